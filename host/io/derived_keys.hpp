#pragma once

#include <string>
#include <vector>

#include "host/io/key_path.hpp"

namespace spacemoe {

/// Keys of a scenario that follow from others: `"shell.phasing" = "round(shell.planes * 18 / 33)"`.
/// Formulas have + - * / ^, comparisons and (a ? b : c), round floor ceil abs min max mod sqrt exp ln log10
/// and the trigonometric functions; names are keys of the scenario that are numbers.
class DerivedKeys {
 public:
  /// Adds a formula; complains of one that cannot be understood.
  void add(KeyPath key, TomlValue const& formula, std::vector<Complaint>& complaints);

  /// Works the formulas out one after another and puts the results, integers where they are whole, into the
  /// scenario `root`. Names that it does not give stand for what they are by default or in included files.
  void apply(TomlValue& root, std::vector<Complaint>& complaints) const;

  /// A line per formula.
  std::vector<std::string> texts() const;
  std::vector<KeyPath> keys() const;

 private:
  struct Formula {
    KeyPath key;
    TomlValue value;                 ///< where it was written
    std::vector<std::string> names;  ///< that it needs
  };

  std::vector<Formula> formulas_;
};

}  // namespace spacemoe

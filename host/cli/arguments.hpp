#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/errors.hpp"

namespace spacemoe {

/// An option of a subcommand. Options without `value` are flags.
struct OptionSpec {
  std::string name;   ///< long name, with a short one before a comma where there is one: "o,output"
  std::string value;  ///< what to call the value in the help
  std::string help;
};

/// The arguments of one subcommand: files, as a rule one, and options. Every problem is collected; check()
/// throws them all.
class Arguments {
 public:
  /// `words` are those after the subcommand. Unknown and repeated options are complaints.
  /// `file_names` are what the help calls the files, each of which has to be given.
  Arguments(std::string command, std::string what_it_does, std::vector<OptionSpec> options,
            std::vector<std::string> const& words, std::vector<std::string> const& file_names = {"FILE"});

  bool help_wanted() const { return help_wanted_; }
  std::string help() const;

  /// One of the files, by its place among their names; after check().
  std::filesystem::path file(std::size_t number = 0) const { return files_.at(number); }
  bool flag(std::string const& name) const;
  std::optional<std::string> text(std::string const& name) const;
  /// A whole number in [least, greatest]; complains otherwise.
  std::optional<std::uint64_t> number(std::string const& name, std::uint64_t least, std::uint64_t greatest);
  /// Values between commas.
  std::optional<std::vector<std::string>> list(std::string const& name);
  /// The same as whole numbers in [0, greatest].
  std::optional<std::vector<std::uint64_t>> numbers(std::string const& name, std::uint64_t greatest);
  /// One of the given words; the first when the option is absent.
  std::string choice(std::string const& name, std::vector<std::string> const& words);
  /// A file that can be written: it has one of the endings, its folder is there and writable, and it is no
  /// folder.
  std::optional<std::filesystem::path> output(std::string const& name,
                                              std::vector<std::string> const& endings);

  void complain(std::string const& option, std::string what, std::string remedy);
  /// Throws ScenarioError with every complaint so far.
  void check() const;

 private:
  void refuse_values_of_flags(std::vector<OptionSpec> const& options, std::vector<std::string> const& words);
  std::optional<std::uint64_t> whole_number(std::string const& name, std::string const& text,
                                            std::uint64_t least, std::uint64_t greatest);

  std::string command_;
  std::string help_text_;
  bool help_wanted_ = false;
  std::vector<std::string> files_;
  std::vector<std::pair<std::string, std::string>> values_;
  std::vector<Complaint> complaints_;
};

}  // namespace spacemoe

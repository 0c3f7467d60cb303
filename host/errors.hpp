#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace spacemoe {

/// One thing that is wrong with what a person gave us, and how to put it right.
struct Complaint {
  std::string where;   ///< "file:line key", or the option
  std::string what;    ///< what is wrong, and why
  std::string remedy;  ///< the nearest valid key, value or range; may be empty
  /// All values are sound, but together they leave no room for what is to be placed. A sweep notes it and goes
  /// on to its other points.
  bool infeasible = false;
};

/// Input that a person can put right; carries every complaint at once. Exit status 2.
class ScenarioError : public std::runtime_error {
 public:
  explicit ScenarioError(std::vector<Complaint> complaints);
  explicit ScenarioError(Complaint complaint);

  std::vector<Complaint> const& complaints() const { return complaints_; }

 private:
  std::vector<Complaint> complaints_;
};

/// A backend that is absent or that failed. Exit status 3.
class BackendError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A path latency of 2^31 ns or more, which a backend cannot represent. A person can put it right. Exit
/// status 2.
class SaturationError : public BackendError {
 public:
  using BackendError::BackendError;
};

/// A file that could not be written. Exit status 4.
class OutputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace spacemoe

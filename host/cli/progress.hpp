#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace spacemoe {

/// A line on stderr with the share done, the rate and the time left; silent unless stderr is a terminal.
class Progress {
 public:
  Progress(std::string work, std::string unit);
  ~Progress();
  Progress(Progress const&) = delete;
  Progress& operator=(Progress const&) = delete;

  void show(std::uint64_t done, std::uint64_t total);

 private:
  std::string work_;
  std::string unit_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace spacemoe

#include "host/cli/progress.hpp"

#include <cstdio>
#include <utility>

#include <unistd.h>

namespace spacemoe {

Progress::Progress(std::string work, std::string unit)
    : work_(std::move(work)),
      unit_(std::move(unit)),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()) {
  if (terminal_) std::fprintf(stderr, "%s ...", work_.c_str());
}

Progress::~Progress() {
  if (terminal_) std::fprintf(stderr, "\r\033[K");
}

void Progress::show(std::uint64_t done, std::uint64_t total) {
  if (!terminal_ || done == 0) return;
  double const elapsed_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  double const rate = static_cast<double>(done) / elapsed_s;
  std::fprintf(stderr, "\r\033[K%s: %.0f %%, %.3g %s/s, %.0f s left", work_.c_str(),
               100.0 * static_cast<double>(done) / static_cast<double>(total), rate, unit_.c_str(),
               static_cast<double>(total - done) / rate);
}

}  // namespace spacemoe

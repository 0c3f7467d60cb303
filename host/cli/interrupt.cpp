#include "host/cli/interrupt.hpp"

#include <csignal>
#include <utility>

namespace spacemoe {
namespace {

std::sig_atomic_t volatile arrived = 0;

extern "C" void remember(int signal) {
  arrived = signal;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void watch_for_signals() {
  std::signal(SIGINT, remember);
  std::signal(SIGTERM, remember);
}

bool interrupt_arrived() {
  return arrived != 0;
}

void stop_if_interrupted(std::string consequence) {
  if (arrived != 0) throw Interrupted{arrived, std::move(consequence)};
}

}  // namespace spacemoe

#include "host/cli/interrupt.hpp"

#include <csignal>

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

void stop_if_interrupted() {
  if (arrived != 0) throw Interrupted{arrived};
}

}  // namespace spacemoe

#pragma once

#include <string>

namespace spacemoe {

/// Ctrl-C or SIGTERM arrived.
struct Interrupted {
  int signal;
  std::string consequence;  ///< what became of the work
};

/// From now on the first SIGINT or SIGTERM is remembered and a second one ends the program at once.
void watch_for_signals();

/// Whether a signal has arrived.
bool interrupt_arrived();

/// Throws Interrupted once a signal has arrived. Called between batches.
void stop_if_interrupted(std::string consequence = "nothing was written");

}  // namespace spacemoe

#pragma once

namespace spacemoe {

/// Ctrl-C or SIGTERM arrived.
struct Interrupted {
  int signal;
};

/// From now on the first SIGINT or SIGTERM is remembered and a second one ends the program at once.
void watch_for_signals();

/// Throws Interrupted once a signal has arrived. Called between batches.
void stop_if_interrupted();

}  // namespace spacemoe

#pragma once

#include <string>
#include <vector>

namespace spacemoe {

/// How the program was called.
struct Invocation {
  std::string line;                ///< the whole command line, for provenance
  std::vector<std::string> words;  ///< after the subcommand
};

/// Subcommands; each returns the exit status.
int describe_command(Invocation const& invocation);
int paths_command(Invocation const& invocation);
int evaluate_command(Invocation const& invocation);
int compare_command(Invocation const& invocation);
int optimize_command(Invocation const& invocation);
int stress_command(Invocation const& invocation);
int sweep_command(Invocation const& invocation);
int merge_command(Invocation const& invocation);
int digest_command(Invocation const& invocation);
int devices_command(Invocation const& invocation);

/// Runs `spacemoe WORDS...`: finds the subcommand and turns errors into messages and exit statuses (2 bad
/// input, 3 backend, 4 output, 70 a bug, 128 + n after signal n).
int run(std::vector<std::string> const& words);

}  // namespace spacemoe

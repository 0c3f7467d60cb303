#include <iostream>

#include "host/cli/arguments.hpp"
#include "host/cli/commands.hpp"
#include "host/io/result_file.hpp"

namespace spacemoe {

int digest_command(Invocation const& invocation) {
  Arguments arguments("digest", "SHA-256 of everything in a result but provenance and timing", {},
                      invocation.words);
  if (arguments.help_wanted()) {
    std::cout << arguments.help();
    return 0;
  }
  arguments.check();
  std::cout << payload_digest(arguments.file()) << '\n';
  return 0;
}

}  // namespace spacemoe

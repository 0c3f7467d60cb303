#include <iostream>

#include "host/cli/arguments.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/description.hpp"
#include "host/cpu/cpu_backend.hpp"
#include "host/io/scenario_file.hpp"

namespace spacemoe {

int describe_command(Invocation const& invocation) {
  Arguments arguments(
      "describe", "What a scenario means, before any time is spent on it",
      {{"threads", "N", "CPU threads (default: all cores); changes no result"},
       {"load", "", "also what links and satellites bear under the scenario's strategies but refined"}},
      invocation.words);
  if (arguments.help_wanted()) {
    std::cout << arguments.help();
    return 0;
  }
  auto const threads = arguments.number("threads", 1, 4096);
  bool const with_load = arguments.flag("load");
  arguments.check();
  Scenario const scenario = load_scenario(arguments.file());
  with_threads(static_cast<unsigned>(threads.value_or(0)), [&] {
    auto const backend = make_cpu_backend();
    describe(std::cout, scenario, *backend);
    if (with_load) describe_loads(std::cout, scenario, *backend);
  });
  return 0;
}

}  // namespace spacemoe

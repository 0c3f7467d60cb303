#include <iostream>

#include "host/cli/arguments.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/sweep_report.hpp"

namespace spacemoe {
namespace {

std::vector<OptionSpec> options() {
  std::vector<OptionSpec> specs{
      {"o,output", "FILE", "write the result as HDF5"},
      {"from", "A,B", "also take the points that sweeps into these files have finished, here or elsewhere"},
      {"partial", "", "write a result even where points are missing, and keep what is there for more"}};
  for (auto& option : override_options()) specs.push_back(std::move(option));
  return specs;
}

}  // namespace

int merge_command(Invocation const& invocation) {
  Arguments arguments("merge", "Puts the shards of a sweep together", options(), invocation.words, {"SWEEP"});
  if (arguments.help_wanted()) {
    std::cout << arguments.help();
    return 0;
  }
  auto const output = arguments.output("output", {".h5", ".hdf5"});
  if (!output) arguments.complain("output", "missing", "name the file for the result");
  auto const from = arguments.list("from");
  bool const partial = arguments.flag("partial");
  ScenarioOverrides const overrides = sweep_overrides(arguments);
  std::vector<std::filesystem::path> others;
  for (std::string const& other : from.value_or(std::vector<std::string>{})) {
    others.emplace_back(other);
    if (std::filesystem::is_directory(journal_folder(other))) continue;
    arguments.complain("from", "there is no folder " + journal_folder(other).string(),
                       "name the output of a sweep that has not been put together");
  }
  arguments.check();

  SweepSetup const setup(arguments.file(), overrides, *output);
  return finish_sweep(setup, others, partial ? MissingPoints::will_do : MissingPoints::are_wrong,
                      {invocation.line, ""});
}

}  // namespace spacemoe

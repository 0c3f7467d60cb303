#include <algorithm>
#include <array>
#include <exception>
#include <iostream>
#include <new>
#include <string_view>

#include "host/cli/commands.hpp"
#include "host/cli/interrupt.hpp"
#include "host/errors.hpp"
#include "host/io/provenance.hpp"

namespace spacemoe {
namespace {

struct Command {
  std::string_view name;
  std::string_view summary;
  int (*function)(Invocation const&);
};

constexpr std::array commands{
    Command{"describe", "what a scenario means: orbits, links, paths, model, memory, warnings",
            describe_command},
    Command{"paths", "path latencies between satellites, with hops and routes", paths_command},
    Command{"evaluate", "token latency distribution of every placement strategy", evaluate_command},
    Command{"compare", "two placements of one scenario on draws that neither has seen (takes two results)",
            compare_command},
    Command{"optimize", "moves experts and gateways until a placement gets no better", optimize_command},
    Command{"stress", "placements on damaged networks: latency and lost tokens, level by level",
            stress_command},
    Command{"sweep", "a scenario at many points of its keys, into one file", sweep_command},
    Command{"merge", "the shards of a sweep put together into one file", merge_command},
    Command{"digest", "SHA-256 of a result's payload, to compare results", digest_command},
    Command{"devices", "the backends of this program and the devices they find (takes no file)",
            devices_command},
};

constexpr int bad_input = 2;
constexpr int backend_failed = 3;
constexpr int output_failed = 4;
constexpr int bug = 70;

void print_usage(std::ostream& out) {
  out << "spacemoe: how fast would a mixture-of-experts model answer if its experts lived on satellites?\n\n"
         "usage: spacemoe COMMAND FILE [OPTIONS]\n\n";
  for (auto const& command : commands) {
    out << "  " << command.name << std::string(10 - command.name.size(), ' ') << command.summary << '\n';
  }
  out << "\nspacemoe COMMAND --help lists the options of a command; spacemoe --version says which program "
         "this is.\n";
}

/// A word as a shell takes it back.
std::string quoted(std::string const& word) {
  bool const plain = !word.empty() && word.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_-./,=:+@%") == std::string::npos;
  if (plain) return word;
  std::string text = "'";
  for (char const c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

int run_command(std::vector<std::string> const& words) {
  if (words.empty()) {
    print_usage(std::cerr);
    return bad_input;
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    print_usage(std::cout);
    return 0;
  }
  if (words[0] == "--version") {
    std::cout << "spacemoe " << program_version() << '\n';
    return 0;
  }
  auto const command = std::ranges::find(commands, std::string_view(words[0]), &Command::name);
  if (command == commands.end()) {
    throw ScenarioError({"spacemoe", "'" + words[0] + "' is not a command", "see spacemoe --help"});
  }
  Invocation invocation{"spacemoe", {words.begin() + 1, words.end()}};
  for (auto const& word : words) invocation.line += " " + quoted(word);
  return command->function(invocation);
}

void print_complaints(ScenarioError const& error) {
  std::cerr << "spacemoe: " << error.complaints().size()
            << (error.complaints().size() == 1 ? " problem\n" : " problems\n");
  for (auto const& complaint : error.complaints()) {
    std::cerr << "  " << complaint.where << ": " << complaint.what;
    if (!complaint.remedy.empty()) std::cerr << "; " << complaint.remedy;
    std::cerr << '\n';
  }
}

}  // namespace

int run(std::vector<std::string> const& words) {
  try {
    int const status = run_command(words);
    if (!std::cout.flush()) throw OutputError("standard output: cannot write");
    return status;
  } catch (ScenarioError const& error) {
    print_complaints(error);
    return bad_input;
  } catch (SaturationError const& error) {
    print_complaints(ScenarioError({"links", error.what(), "shorten the links, or lose fewer of them"}));
    return bad_input;
  } catch (BackendError const& error) {
    std::cerr << "spacemoe: backend: " << error.what() << '\n';
    return backend_failed;
  } catch (OutputError const& error) {
    std::cerr << "spacemoe: output: " << error.what() << '\n';
    return output_failed;
  } catch (Interrupted const& interrupted) {
    std::cerr << "spacemoe: interrupted; " << interrupted.consequence << '\n';
    return 128 + interrupted.signal;
  } catch (std::bad_alloc const&) {
    std::cerr << "spacemoe: out of memory; `spacemoe describe` estimates what a scenario needs\n";
    return bad_input;
  } catch (std::exception const& error) {
    std::cerr << "spacemoe: this is a bug: " << error.what() << '\n';
    return bug;
  }
}

}  // namespace spacemoe

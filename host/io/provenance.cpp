#include "host/io/provenance.hpp"

#include <chrono>
#include <ctime>

#include "host/io/hdf5_writer.hpp"
#include "spacemoe_version.hpp"

namespace spacemoe {
namespace {

std::string now_utc() {
  std::time_t const now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[sizeof "2000-01-01T00:00:00Z"]{};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace

std::string program_version() {
  return std::string(version) + " (" + commit + ")";
}

void write_provenance(hdf5::Writer& writer, RunProvenance const& provenance) {
  writer.attribute("provenance_version", std::string(version));
  writer.attribute("provenance_git_commit", std::string(commit));
  if (!provenance.backend.empty()) writer.attribute("provenance_backend", provenance.backend);
  if (!provenance.manifest.empty()) writer.attribute("provenance_manifest", provenance.manifest);
  writer.attribute("provenance_command_line", provenance.command_line);
  writer.attribute("provenance_time", now_utc());
}

void write_scenario(hdf5::Writer& writer, Scenario const& scenario, std::string const& resolved) {
  writer.attribute("title", scenario.title);
  writer.attribute("seed", scenario.seed.value);
  writer.dataset({"scenario_resolved", "1", "scenario with every default and every file included, TOML"},
                 resolved);
  // Comments and overridden keys change no figure, so the text that came in is provenance, not payload.
  writer.dataset({"provenance_scenario_given", "1", "scenario file as it was read, TOML"},
                 scenario.given_text);
}

}  // namespace spacemoe

#include "host/cli/sweep_setup.hpp"

#include <algorithm>
#include <limits>
#include <system_error>
#include <utility>

#include "host/io/output_file.hpp"

namespace spacemoe {
namespace {

SweepManifest manifest(SweepPlan const& plan, std::vector<PointCheck> const& checks) {
  SweepManifest manifest{plan.base_resolved, axis_texts(plan), plan.settings, {}, numerics_digest()};
  for (PointCheck const& check : checks) manifest.point_digest.push_back(check.digest);
  return manifest;
}

}  // namespace

std::filesystem::path journal_folder(std::filesystem::path const& output) {
  return output.string() + ".points";
}

std::vector<OptionSpec> override_options() {
  return {{"strategies", "A,B", "evaluate these strategies instead of the scenario's"},
          {"tokens", "N", "tokens per strategy and point"},
          {"seed", "S", "seed of all points"}};
}

ScenarioOverrides sweep_overrides(Arguments& arguments) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  ScenarioOverrides overrides;
  overrides.strategies = arguments.list("strategies");
  overrides.tokens = arguments.number("tokens", 1, most);
  overrides.seed = arguments.number("seed", 0, most);
  return overrides;
}

SweepSetup::SweepSetup(std::filesystem::path const& file, ScenarioOverrides const& overrides,
                       std::filesystem::path output)
    : plan_(load_sweep(file, overrides)),
      checks_(check_points(plan_)),
      manifest_(manifest(plan_, checks_)),
      output_(std::move(output)) {}

double SweepSetup::largest_point_bytes() const {
  return std::ranges::max(checks_, {}, &PointCheck::bytes).bytes;
}

std::string SweepSetup::name(std::uint64_t point) const {
  return numbered_point(point) + " (" + point_text(plan_.axes, point) + ")";
}

Scenario SweepSetup::scenario(std::uint64_t point) const {
  std::vector<Complaint> complaints;
  auto scenario = scenario_at(plan_, point, complaints);
  if (!complaints.empty())
    throw ScenarioError(std::move(complaints));  // a file that it names has changed since
  return std::move(*scenario);
}

SweepJournal SweepSetup::journal(std::string const& writer) const {
  return {folder(), writer, manifest_, [this](std::uint64_t point) { return name(point); }};
}

SweepRecords SweepSetup::records(std::vector<std::filesystem::path> const& other_outputs) const {
  std::vector<std::filesystem::path> folders{folder()};
  for (auto const& other : other_outputs) folders.push_back(journal_folder(other));
  return {folders, manifest_, [this](std::uint64_t point) { return name(point); }};
}

std::optional<StoredSweep> SweepSetup::done() const {
  auto stored = stored_sweep(output_);
  bool const same = stored && stored->manifest == short_digest(manifest_text(manifest_));
  return same ? stored : std::nullopt;
}

void SweepSetup::assemble(SweepRecords const& records, RunProvenance provenance) const {
  bool const whole = records.done_count() + records.failed_count() == points();
  if (whole) provenance.manifest = short_digest(manifest_text(manifest_));
  write_sweep(
      output_, {plan_.title, plan_.axes, plan_.base_resolved, plan_.given_text},
      [&](std::uint64_t point) { return records.read(point); }, provenance);
}

void SweepSetup::remove_journals() const {
  remove_leftovers(output_);
  std::error_code ignored;  // the result is whole, so what stays behind does no harm
  std::filesystem::remove_all(folder(), ignored);
}

}  // namespace spacemoe

#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "host/evaluation/scenario.hpp"
#include "host/io/scenario_file.hpp"
#include "host/io/table_reader.hpp"

namespace spacemoe {

/// How far reading has come, so that what depends on a part that is wrong is not complained of as well.
struct Readiness {
  bool listed = false;   ///< network = "edges", well or badly given
  bool network = false;  ///< all is well with the network
  bool model = false;    ///< all is well with the model
};

/// Most satellites, slots or experts of all layers that a scenario may have.
inline constexpr std::uint32_t largest_count = 1u << 24;

/// Reads the law-independent weights of an activation profile from its table; nothing where it complains.
std::optional<ActivationWeights> read_weights(TableReader& section, Readiness ready, MoeModel const& model);

/// Parses a file that a key names; a complaint where it cannot be read or parsed.
std::optional<TomlValue> included_file(TableReader& reader, std::string_view key);

/// Complains, at the key or option `where`, of the strategies that have too few places for gateways and
/// experts, each in its subnets or the whole network. Strategies on the ring need a constellation.
void check_room(std::string const& where, Scenario const& scenario, std::vector<Complaint>& complaints);

/// Strategies that a search may start from.
std::vector<std::string_view> start_names();

// Each reads its tables from the root of a scenario into `scenario` and complains of what is wrong with them.
// The order of calls is the order below.

/// `network`, `edges`, [constellation] and [[shell]].
void read_network(TableReader& root, Readiness& ready, Scenario& scenario);
void read_model(TableReader& root, Readiness& ready, Scenario& scenario);
void read_links(TableReader& root, Readiness ready, Scenario& scenario);
void read_time(TableReader& root, Readiness ready, Scenario& scenario);
void read_damage(TableReader& root, Readiness ready, Scenario& scenario);
void read_activation(TableReader& root, Readiness ready, Scenario& scenario);
void read_placement(TableReader& root, Readiness ready, ScenarioOverrides const& overrides,
                    Scenario& scenario);
void read_compute(TableReader& root, Readiness ready, Scenario& scenario);
void read_search(TableReader& root, Readiness ready, Scenario& scenario);
void read_evaluation(TableReader& root, ScenarioOverrides const& overrides, Scenario& scenario);

}  // namespace spacemoe

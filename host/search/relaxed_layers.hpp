#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "host/evaluation/scenario.hpp"
#include "host/evaluation/scoring_tables.hpp"
#include "kernels/latency.hpp"

// What lower bounds are made of: the layers of a scenario without a placement. README.md has the formulas.

namespace spacemoe {

/// Times a double, this is below the exact number whatever the rounding of some million operations.
inline constexpr double rounding_margin = 1 - 1e-9;

/// The layers of a scenario as bounds see them. Only experts of positive weight count.
struct RelaxedLayers {
  std::uint32_t satellites = 0;
  std::uint32_t capacity = 1;
  bool own_gateway = false;
  bool gateways_host_experts = false;

  /// [layer][m]: chance that the slowest drawn expert is the m-th of falling weight. Where the law is known
  /// to an error only, the first m are drawn together at least as often as in truth.
  std::vector<std::vector<double>> chance;
  std::vector<std::uint64_t> satellite_ns;  ///< [satellite]: compute that depends on the host
  /// [layer][satellite]: compute at the gateway, and the least compute that depends on the expert.
  std::vector<std::uint64_t> fixed_ns;
  std::vector<std::uint64_t> head_ns;  ///< [satellite]: on the first gateway, once per token

  std::uint32_t layers() const { return static_cast<std::uint32_t>(chance.size()); }
  std::uint64_t fixed(std::uint32_t layer, std::size_t gateway) const {
    return fixed_ns[std::size_t{layer} * satellites + gateway];
  }
};

RelaxedLayers relaxed_layers(Scenario const& scenario, ComputeTimes const& compute,
                             ScoringTables const& tables);

/// The most satellites that the experts of a layer fill.
std::size_t most_hosts(RelaxedLayers const& layers);

/// Mean path latencies [ns] from each of some sources to every satellite.
class Ways {
 public:
  /// `shortest`: no way is more than 1 ns longer than one through a third satellite, as is so for means over
  /// slots in which all these paths are there.
  Ways(std::size_t sources, std::uint32_t satellites, bool shortest)
      : satellites_(satellites), shortest_(shortest), ns_(sources * satellites, unreachable) {}

  bool shortest() const { return shortest_; }
  std::span<Nanoseconds> from(std::size_t source) {
    return std::span(ns_).subspan(source * satellites_, satellites_);
  }
  std::span<Nanoseconds const> from(std::size_t source) const {
    return std::span(ns_).subspan(source * satellites_, satellites_);
  }

 private:
  std::uint32_t satellites_;
  bool shortest_;
  std::vector<Nanoseconds> ns_;
};

/// A host, and what it costs a layer [ns]: there, compute that depends on the host, and on to where outputs
/// meet.
struct HostCost {
  std::uint64_t ns;
  std::uint32_t satellite;

  auto operator<=>(HostCost const&) const = default;
};

/// Hosts around one gateway, nearest first.
class HostsAround {
 public:
  /// `from` has the mean paths from the gateway.
  HostsAround(RelaxedLayers const& layers, std::size_t gateway, std::span<Nanoseconds const> from);

  /// The hosts of least cost of a layer that goes on to the gateway `next`, by rising cost, at most `count`
  /// of them; `back` has the mean paths to that gateway. With aggregation at the own gateway every cost
  /// includes the way forward. Fewer hosts where only so many can be reached, or have costs below `limit_ns`.
  void nearest(std::size_t next, std::span<Nanoseconds const> back, std::size_t count, std::uint64_t limit_ns,
               std::vector<HostCost>& found) const;

 private:
  RelaxedLayers const* layers_;
  std::span<Nanoseconds const> from_;
  std::vector<HostCost> there_;  ///< the part of the cost that does not depend on the next gateway
};

/// Above any cost.
inline constexpr std::uint64_t no_limit_ns = std::uint64_t{1} << 62;

/// Mean latency [ns] of the slowest drawn expert on hosts of these rising costs, each with `capacity` places;
/// experts that find no place cost `beyond_ns`.
double slowest_drawn_ns(std::span<double const> chance, std::span<HostCost const> hosts,
                        std::uint32_t capacity, double beyond_ns);

}  // namespace spacemoe

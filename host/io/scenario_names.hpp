#pragma once

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "host/evaluation/scenario.hpp"
#include "host/io/table_reader.hpp"

namespace spacemoe {

inline constexpr std::array earth_names{Named<EarthModel>{"wgs84", EarthModel::wgs84},
                                        Named<EarthModel>{"wgs72", EarthModel::wgs72},
                                        Named<EarthModel>{"sphere6371", EarthModel::sphere6371}};

inline constexpr std::array propagation_names{Named<Propagation>{"two-body", Propagation::two_body},
                                              Named<Propagation>{"j2-secular", Propagation::j2_secular}};

inline constexpr std::array pattern_names{Named<Pattern>{"delta", Pattern::delta},
                                          Named<Pattern>{"star", Pattern::star}};

inline constexpr std::array phasing_rule_names{Named<PhasingRule>{"walker", PhasingRule::walker},
                                               Named<PhasingRule>{"alternating", PhasingRule::alternating}};

inline constexpr std::array seam_names{Named<Seam>{"cut", Seam::cut}, Named<Seam>{"wrap", Seam::wrap},
                                       Named<Seam>{"wrap-phased", Seam::wrap_phased}};

inline constexpr std::array partner_names{
    Named<InterPlanePartner>{"same-slot", InterPlanePartner::same_slot},
    Named<InterPlanePartner>{"nearest-phase", InterPlanePartner::nearest_phase}};

inline constexpr std::array between_shells_names{
    Named<BetweenShells>{"none", BetweenShells::none},
    Named<BetweenShells>{"nearest", BetweenShells::nearest},
    Named<BetweenShells>{"same-shell", BetweenShells::same_shell}};

inline constexpr std::array latitude_rule_names{Named<LatitudeRule>{"either", LatitudeRule::either},
                                                Named<LatitudeRule>{"both", LatitudeRule::both}};

inline constexpr std::array law_names{
    Named<RoutingLaw>{"plackett-luce", RoutingLaw::plackett_luce},
    Named<RoutingLaw>{"conditional-poisson", RoutingLaw::conditional_poisson}};

inline constexpr std::array aggregation_names{Named<Aggregation>{"next-gateway", Aggregation::next_gateway},
                                              Named<Aggregation>{"own-gateway", Aggregation::own_gateway}};

inline constexpr std::array sampler_names{Named<Sampler>{"auto", Sampler::automatic},
                                          Named<Sampler>{"order-statistic", Sampler::order_statistic},
                                          Named<Sampler>{"routing", Sampler::routing}};

inline std::vector<std::string_view> strategy_names() {
  std::vector<std::string_view> names;
  for (Strategy const strategy : all_strategies()) names.push_back(name(strategy));
  return names;
}

/// Whether the worst case counts.
inline constexpr std::array search_case_names{Named<bool>{"all", false}, Named<bool>{"worst", true}};

/// Whether gateways move.
inline constexpr std::array search_gateway_names{Named<bool>{"move", true}, Named<bool>{"fixed", false}};

template <class T, std::size_t n>
std::string_view name_of(std::array<Named<T>, n> const& names, T value) {
  return std::ranges::find(names, value, &Named<T>::value)->name;
}

}  // namespace spacemoe

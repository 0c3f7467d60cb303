#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/network/network.hpp"

namespace spacemoe::testing {

/// A network with some snapshots of it.
struct Graph {
  std::string name;
  std::shared_ptr<Network const> network;
  SnapshotBatch batch;
};

inline Graph listed(std::string name, std::uint32_t nodes, std::vector<ListedLink> links, double survival = 1,
                    std::uint32_t snapshots = 1) {
  LinkRules rules;
  rules.survival = survival;
  Graph graph{std::move(name), std::make_shared<Network>(nodes, std::move(links), rules, Seed{5}), {}};
  std::vector<Snapshot> taken;
  for (std::uint32_t slot = 0; slot < snapshots; ++slot) {
    taken.push_back(graph.network->snapshot(slot, 0, Purpose::evaluation_outage));
  }
  graph.batch = batch(graph.network->wiring(), taken);
  return graph;
}

inline Graph line(std::uint32_t nodes) {
  std::vector<ListedLink> links;
  for (std::uint32_t i = 0; i + 1 < nodes; ++i) links.push_back({satellite(i), satellite(i + 1), 10 + i});
  return listed("line", nodes, links);
}

inline Graph two_components() {
  return listed("two components", 6,
                {{satellite(0), satellite(1), 5},
                 {satellite(1), satellite(2), 6},
                 {satellite(0), satellite(2), 20},
                 {satellite(3), satellite(4), 1},
                 {satellite(4), satellite(5), 2}});
}

/// Links between random pairs; latencies over five decades.
inline Graph random_graph(std::uint32_t nodes, std::uint32_t links, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
  std::vector<ListedLink> list;
  while (list.size() < links) {
    auto const a = static_cast<std::uint32_t>(random() % nodes);
    auto const b = static_cast<std::uint32_t>(random() % nodes);
    if (a == b || !pairs.insert(std::minmax(a, b)).second) continue;
    auto const latency = static_cast<Nanoseconds>(1 + random() % (1u << (1 + random() % 20)));
    list.push_back({satellite(a), satellite(b), latency});
  }
  return listed("random graph " + std::to_string(seed), nodes, list);
}

inline Graph shells(std::string name, std::vector<Shell> list, LinkRules const& rules,
                    std::uint32_t snapshots = 1) {
  Constellation constellation;
  constellation.shells = std::move(list);
  Graph graph{std::move(name), std::make_shared<Network>(constellation, rules, Seed{5}), {}};
  std::vector<Snapshot> taken;
  for (std::uint32_t slot = 0; slot < snapshots; ++slot) {
    taken.push_back(graph.network->snapshot(slot, 100.0 * slot, Purpose::evaluation_outage));
  }
  graph.batch = batch(graph.network->wiring(), taken);
  return graph;
}

}  // namespace spacemoe::testing

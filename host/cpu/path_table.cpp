#include "host/cpu/path_table.hpp"

namespace spacemoe {

std::vector<Nanoseconds> CpuPathTable::gather(std::uint32_t snapshot,
                                              std::span<PathQuery const> queries) const {
  std::vector<Nanoseconds> found;
  found.reserve(queries.size());
  for (auto const& query : queries) found.push_back(at(snapshot, query.source, index(query.satellite)));
  return found;
}

std::vector<Nanoseconds> CpuPathTable::row(std::uint32_t snapshot, std::uint32_t source) const {
  std::vector<Nanoseconds> latency;
  latency.reserve(nodes_);
  for (std::size_t node = 0; node < nodes_; ++node) latency.push_back(at(snapshot, source, node));
  return latency;
}

}  // namespace spacemoe

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace spacemoe::benches {

/// Links by node, in both directions.
struct CsrGraph {
  static constexpr std::uint32_t unreachable = 0x7fffffff;

  std::vector<std::uint32_t> first;     ///< [node] and one more
  std::vector<std::uint32_t> neighbor;  ///< [link]
  std::vector<std::uint32_t> latency;   ///< [link], ns

  std::size_t nodes() const { return first.size() - 1; }
};

}  // namespace spacemoe::benches

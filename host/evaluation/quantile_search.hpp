#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "host/evaluation/result.hpp"

namespace spacemoe {

/// Finds the reported quantiles of a strategy to the nanosecond: latencies are offered a second time, those
/// of the quantiles' bins are kept, and the quantile is the one of its rank. Keeps 8 bytes for each of these,
/// or for each nanosecond of their bin where these are fewer.
class QuantileSearch {
 public:
  /// From the histogram [bin] of all delivered tokens; without any there is nothing to find.
  explicit QuantileSearch(std::vector<std::uint64_t> const& histogram);

  /// Bins whose latencies are to be offered; none twice.
  std::vector<std::uint32_t> bins() const;
  /// Latencies [ns] of tokens in these bins, each token once.
  void offer(std::span<std::uint64_t const> latency_ns);
  /// Quantiles [ns], when all have been offered. Throws std::logic_error when some are missing.
  std::array<std::uint64_t, quantile_levels.size()> quantiles_ns();

 private:
  /// The latencies of a bin.
  class Bin {
   public:
    Bin(std::uint32_t number, std::uint64_t tokens_before, std::uint64_t tokens);

    std::uint32_t number() const { return number_; }
    void offer(std::uint64_t latency_ns);
    /// The latency of a rank among all tokens, from 1, that lies in this bin.
    std::uint64_t latency_ns(std::uint64_t rank);

   private:
    std::uint32_t number_;
    std::uint64_t tokens_before_;
    std::uint64_t tokens_;
    std::uint64_t offered_ = 0;
    std::vector<std::uint64_t> latency_ns_;  ///< one by one
    std::vector<std::uint64_t> count_;       ///< [ns above the bin's least]; of full bins
  };

  Bin& bin(std::uint32_t number);

  std::vector<Bin> bins_;
  std::array<std::uint64_t, quantile_levels.size()> rank_{};
  std::array<std::uint32_t, quantile_levels.size()> bin_{};
};

}  // namespace spacemoe

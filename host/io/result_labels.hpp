#pragma once

#include <cstdint>
#include <vector>

#include "host/io/hdf5_writer.hpp"

namespace spacemoe {

/// What results and sweeps call the same figures.
namespace labels {
inline hdf5::Label const strategy{"strategy", "1", "placement strategy"};
inline hdf5::Label const layer{"layer", "1", "mixture-of-experts layer"};
inline hdf5::Label const quantile{"quantile", "1", "level of a quantile"};
inline hdf5::Label const mean_ms{"mean_ms", "ms", "mean token latency of delivered tokens"};
inline hdf5::Label const standard_deviation_ms{"standard_deviation_ms", "ms",
                                               "standard deviation of the token latency"};
inline hdf5::Label const standard_error_ms{"standard_error_ms", "ms",
                                           "Monte Carlo error of the mean, stratified over cells"};
inline hdf5::Label const placement_spread_ms{"placement_spread_ms", "ms",
                                             "standard deviation of the mean between placements"};
inline hdf5::Label const ratio_to_best{"ratio_to_best", "1", "mean over the least mean of all strategies"};
inline hdf5::Label const tokens{"tokens", "1", "tokens drawn"};
inline hdf5::Label const delivered{"delivered", "1", "tokens that reached all their experts"};
inline hdf5::Label const undeliverable{"undeliverable", "1",
                                       "probability that a token meets an unreachable expert or gateway"};
inline hdf5::Label const quantile_lower_ms{"quantile_lower_ms", "ms",
                                           "lower bound of the quantile: of its bin, or exact"};
inline hdf5::Label const quantile_upper_ms{"quantile_upper_ms", "ms",
                                           "upper bound of the quantile: of its bin, or exact"};
inline hdf5::Label const quantile_confidence_low_ms{"quantile_confidence_low_ms", "ms",
                                                    "lower end of the 95 % interval of the quantile"};
inline hdf5::Label const quantile_confidence_high_ms{"quantile_confidence_high_ms", "ms",
                                                     "upper end of the 95 % interval of the quantile"};
inline hdf5::Label const layer_mean_ms{"layer_mean_ms", "ms",
                                       "mean latency of the layer over delivered tokens"};
inline hdf5::Label const histogram{"histogram", "1", "delivered tokens by latency"};
}  // namespace labels

/// The bins that a histogram has; one bin where no token arrived, as an axis needs a length.
struct BinRange {
  std::uint32_t first = 0;
  std::uint32_t count = 1;
};

/// The bins from the first to the last that any of these histograms [bin] uses.
BinRange used_bins(std::vector<std::vector<std::uint64_t> const*> const& histograms);

/// The axis `bin` and the bounds of its bins.
void write_bins(hdf5::Writer& writer, BinRange bins);

/// 0, 1, ..., count - 1.
std::vector<std::uint32_t> counted(std::size_t count);

}  // namespace spacemoe

#include "host/io/result_labels.hpp"

#include <algorithm>
#include <numeric>

#include "kernels/bins.hpp"

namespace spacemoe {

BinRange used_bins(std::vector<std::vector<std::uint64_t> const*> const& histograms) {
  std::uint32_t first = bin_count;
  std::uint32_t last = 0;
  for (auto const* histogram : histograms) {
    for (std::uint32_t bin = 0; bin < histogram->size(); ++bin) {
      if ((*histogram)[bin] == 0) continue;
      first = std::min(first, bin);
      last = std::max(last, bin);
    }
  }
  return first > last ? BinRange{} : BinRange{first, last - first + 1};
}

void write_bins(hdf5::Writer& writer, BinRange bins) {
  std::vector<std::uint32_t> number;
  std::vector<std::uint64_t> lower_ns;
  std::vector<std::uint64_t> upper_ns;
  for (std::uint32_t bin = bins.first; bin < bins.first + bins.count; ++bin) {
    number.push_back(bin);
    lower_ns.push_back(bin_lower(bin));
    upper_ns.push_back(bin_lower(bin + 1));
  }
  writer.axis({"bin", "1", "number of the latency bin"}, number);
  writer.dataset({"bin_lower_ns", "ns", "least latency of the bin"}, {"bin"}, lower_ns);
  writer.dataset({"bin_upper_ns", "ns", "latency at which the next bin begins"}, {"bin"}, upper_ns);
}

std::vector<std::uint32_t> counted(std::size_t count) {
  std::vector<std::uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0u);
  return numbers;
}

}  // namespace spacemoe

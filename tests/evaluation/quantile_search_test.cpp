#include "host/evaluation/quantile_search.hpp"

#include <algorithm>
#include <random>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/bins.hpp"

namespace spacemoe {
namespace {

std::vector<std::uint64_t> histogram_of(std::vector<std::uint64_t> const& latencies) {
  std::vector<std::uint64_t> histogram(bin_count);
  for (std::uint64_t const latency : latencies) ++histogram[bin_of(latency)];
  return histogram;
}

/// Those in the bins that a search asks for.
std::vector<std::uint64_t> wanted(QuantileSearch const& search, std::vector<std::uint64_t> latencies) {
  auto const bins = search.bins();
  std::erase_if(latencies,
                [&](std::uint64_t latency) { return std::ranges::count(bins, bin_of(latency)) == 0; });
  return latencies;
}

/// Latencies that spread over many bins, over few full ones, and of which all are one.
std::vector<std::vector<std::uint64_t>> samples() {
  std::mt19937_64 random(1);
  std::vector<std::vector<std::uint64_t>> all(4);
  for (int i = 0; i < 5003; ++i) {
    all[0].push_back(1'000'000'000 + random() % 1'000'000'000);
    all[1].push_back(random() % 2000);
    all[2].push_back(std::uint64_t{1} << 40 | random() % 1'000'000);
    all[3].push_back(123'456'789);
  }
  return all;
}

TEST(QuantileSearch, FindsTheLatenciesOfTheRanks) {
  for (auto latencies : samples()) {
    QuantileSearch search(histogram_of(latencies));
    auto const kept = wanted(search, latencies);
    search.offer(std::span(kept).first(kept.size() / 3));
    search.offer(std::span(kept).subspan(kept.size() / 3));
    std::ranges::sort(latencies);
    auto const found = search.quantiles_ns();
    for (std::size_t q = 0; q < found.size(); ++q) {
      std::size_t const rank = (latencies.size() * quantile_per_mille[q] + 999) / 1000;
      EXPECT_EQ(found[q], latencies[rank - 1]) << "of " << latencies[0] << ", level " << q;
    }
  }
}

TEST(QuantileSearch, AsksForNoBinTwice) {
  EXPECT_EQ(QuantileSearch(histogram_of({7, 7, 7})).bins(), std::vector<std::uint32_t>{7});
  EXPECT_EQ(QuantileSearch(histogram_of({7, 9})).bins(), (std::vector<std::uint32_t>{7, 9}));
  EXPECT_TRUE(QuantileSearch(histogram_of({})).bins().empty());
}

TEST(QuantileSearch, MissingLatenciesAreAnError) {
  auto const latencies = samples()[0];
  QuantileSearch search(histogram_of(latencies));
  auto kept = wanted(search, latencies);
  kept.pop_back();
  search.offer(kept);
  EXPECT_THROW(search.quantiles_ns(), std::logic_error);
}

}  // namespace
}  // namespace spacemoe

#include "host/evaluation/backend_team.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// That teams compute what one backend does is tested over every backend; here is how they go about it.

namespace spacemoe::testing {
namespace {

/// Cells, as (slot, first token, tokens).
using Seen = std::vector<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>>;

/// Counts those who have come, and lets them wait for others.
class Meeting {
 public:
  /// Whether so many came within ten seconds.
  bool wait_for(int others) {
    std::unique_lock lock(mutex_);
    ++came_;
    all_.notify_all();
    return all_.wait_for(lock, std::chrono::seconds(10), [&] { return came_ >= others; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_;
  int came_ = 0;
};

struct Script {
  Seen* seen = nullptr;
  Meeting* meeting = nullptr;
  int members = 1;  ///< to meet
  std::string error = {};
};

class ScriptedBackend final : public Backend {
 public:
  explicit ScriptedBackend(Script script) : script_(std::move(script)) {}

  std::string_view name() const override { return "scripted"; }

  std::unique_ptr<PathTable> path_latencies(SnapshotBatch const&, std::span<SatelliteId const>) override {
    return nullptr;
  }
  LatencyTally sample_tokens(RoutingView const&, Seed, std::span<TokenCell const>) override { return {}; }
  std::vector<Nanoseconds> draw_common(Seed, std::span<CommonDraws const>) override { return {}; }
  std::unique_ptr<MoveScorer> move_scorer(SnapshotBatch const&, std::span<SatelliteId const>,
                                          ScoringTables const&) override {
    return nullptr;
  }
  LatencyTally sample_layers(Seed, std::span<LayerCell const> cells) override {
    if (script_.seen != nullptr) {
      for (LayerCell const& cell : cells) script_.seen->emplace_back(cell.slot, cell.first, cell.count);
    }
    if (script_.meeting != nullptr && !script_.meeting->wait_for(script_.members)) {
      throw std::runtime_error("nobody came");
    }
    if (!script_.error.empty()) throw std::runtime_error(script_.error);
    LatencyTally tally = empty_tally(cells.size(), 1);
    for (std::size_t c = 0; c < cells.size(); ++c) tally.cell[c].tokens = cells[c].count;
    return tally;
  }

  std::vector<std::uint64_t> find_tokens(RoutingView const&, Seed, std::span<TokenCell const>,
                                         std::span<std::uint32_t const>) override {
    return {};
  }
  std::vector<std::uint64_t> find_layers(Seed, std::span<LayerCell const>,
                                         std::span<std::uint32_t const>) override {
    return {};
  }

 private:
  Script script_;
};

std::unique_ptr<Backend> team(std::vector<Script> scripts) {
  std::vector<std::unique_ptr<Backend>> members;
  for (Script& script : scripts) members.push_back(std::make_unique<ScriptedBackend>(std::move(script)));
  return make_backend_team(std::move(members));
}

std::vector<LayerCell> cells(Seen const& list) {
  std::vector<LayerCell> all;
  for (auto const& [slot, first, count] : list) all.push_back({slot, first, count, {}});
  return all;
}

TEST(BackendTeam, MembersTakeConsecutiveTokens) {
  Seen seen[3];
  auto const three = team({{&seen[0]}, {&seen[1]}, {&seen[2]}});
  EXPECT_EQ(three->name(), "3 x scripted");
  LatencyTally const tally =
      three->sample_layers({1}, cells({{0, 100, 4}, {1, 0, 0}, {2, 50, 13}, {3, 0, 0}, {4, 7, 3}}));
  EXPECT_EQ(seen[0], (Seen{{0, 100, 4}, {1, 0, 0}, {2, 50, 3}}));
  EXPECT_EQ(seen[1], (Seen{{2, 53, 7}}));
  EXPECT_EQ(seen[2], (Seen{{2, 60, 3}, {3, 0, 0}, {4, 7, 3}}));
  std::vector<std::uint64_t> tokens;
  for (Moments const& moments : tally.cell) tokens.push_back(moments.tokens);
  EXPECT_THAT(tokens, ::testing::ElementsAre(4, 0, 13, 0, 3));
}

TEST(BackendTeam, MembersWithoutTokensAreNotCalled) {
  auto const three = team({{}, {}, {nullptr, nullptr, 1, "called"}});
  EXPECT_NO_THROW(three->sample_layers({1}, cells({{0, 0, 1}, {1, 0, 1}})));
  EXPECT_THROW(three->sample_layers({1}, cells({{0, 0, 3}})), std::runtime_error);
}

TEST(BackendTeam, MembersWorkAtTheSameTime) {
  Meeting meeting;
  auto const two = team({{nullptr, &meeting, 2, ""}, {nullptr, &meeting, 2, ""}});
  EXPECT_NO_THROW(two->sample_layers({1}, cells({{0, 0, 2}})));
}

TEST(BackendTeam, TheFirstOfSeveralErrorsIsThrownWhenAllAreDone) {
  Meeting meeting;
  Seen last;
  auto const three = team({{}, {nullptr, &meeting, 2, "second"}, {&last, &meeting, 2, "third"}});
  try {
    three->sample_layers({1}, cells({{0, 0, 3}}));
    FAIL();
  } catch (std::runtime_error const& error) {
    EXPECT_STREQ(error.what(), "second");
    EXPECT_EQ(last.size(), 1u);
  }
}

}  // namespace
}  // namespace spacemoe::testing

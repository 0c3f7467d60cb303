#include "host/io/search_checkpoint.hpp"

#include <limits>
#include <memory>
#include <string>
#include <tuple>

#include <gmock/gmock.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/search/refined.hpp"
#include "tests/io/scenario_support.hpp"

namespace spacemoe::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char const* resolved = "title = \"one\"\ntokens = 5\n";

SearchState some_state() {
  Placement const best{1, 2, {satellite(3)}, {satellite(4), satellite(65'000)}};
  Placement const current{1, 2, {satellite(1)}, {satellite(2), satellite(0)}};
  SearchState state;
  state.stage = SearchStage::descent;
  state.rounds = 200;
  state.chains = {{current, best}, {best, best}};
  state.descended = 1;
  state.descending = current;
  state.descent_moves = 1'000'000'000'007;
  state.best = best;
  state.best_ns = 1e8 / 3;
  state.local_optimum = true;
  state.counts.tried = {1, 2, 3, 4, 5, 6, 7'000'000'000'000};
  state.counts.accepted = {7, 6, 5, 4, 3, 2, 1};
  MoveCounts before;
  before.tried[2] = 10;
  before.accepted[2] = 4;
  state.trace = {{SearchStage::annealing, before, 0.1, 1.0 / 3},
                 {SearchStage::descent, state.counts, 0.25, 1e-7}};
  state.elapsed_s = 0.1 + 0.2;
  return state;
}

void expect_equal(SearchState const& a, SearchState const& b) {
  EXPECT_EQ(a.stage, b.stage);
  EXPECT_EQ(a.rounds, b.rounds);
  ASSERT_EQ(a.chains.size(), b.chains.size());
  for (std::size_t c = 0; c < a.chains.size(); ++c) {
    EXPECT_EQ(a.chains[c].current, b.chains[c].current);
    EXPECT_EQ(a.chains[c].best, b.chains[c].best);
  }
  EXPECT_EQ(a.descended, b.descended);
  EXPECT_EQ(a.descending, b.descending);
  EXPECT_EQ(a.descent_moves, b.descent_moves);
  EXPECT_EQ(a.best, b.best);
  EXPECT_EQ(a.best_ns, b.best_ns);
  EXPECT_EQ(a.local_optimum, b.local_optimum);
  EXPECT_EQ(a.counts.tried, b.counts.tried);
  EXPECT_EQ(a.counts.accepted, b.counts.accepted);
  ASSERT_EQ(a.trace.size(), b.trace.size());
  for (std::size_t i = 0; i < a.trace.size(); ++i) {
    TracePoint const& p = a.trace[i];
    TracePoint const& q = b.trace[i];
    EXPECT_EQ(std::tuple(p.stage, p.counts.tried, p.counts.accepted, p.elapsed_s, p.value_ms),
              std::tuple(q.stage, q.counts.tried, q.counts.accepted, q.elapsed_s, q.value_ms));
  }
  EXPECT_EQ(a.elapsed_s, b.elapsed_s);
}

class SearchCheckpoint : public ScenarioFolder {
 protected:
  std::filesystem::path const file_ = folder() / "x.h5.checkpoint";

  std::string refusal(std::string const& scenario = resolved, bool timed = false) const {
    try {
      read_checkpoint(file_, scenario, timed);
      return "";
    } catch (ScenarioError const& error) {
      return error.what();
    }
  }
};

TEST_F(SearchCheckpoint, ComesBackToTheBit) {
  SearchState state = some_state();
  write_checkpoint(file_, resolved, true, state);
  auto const back = read_checkpoint(file_, resolved, true);
  ASSERT_TRUE(back);
  expect_equal(*back, state);

  // Where nothing is delivered.
  state.best_ns = state.trace[1].value_ms = std::numeric_limits<double>::infinity();
  write_checkpoint(file_, resolved, true, state);
  expect_equal(read_checkpoint(file_, resolved, true).value(), state);
}

TEST_F(SearchCheckpoint, IsNothingWithoutAFile) {
  EXPECT_FALSE(read_checkpoint(file_, resolved, false));
}

TEST_F(SearchCheckpoint, OfAnotherSearchIsRefused) {
  write_checkpoint(file_, resolved, false, some_state());
  EXPECT_EQ(refusal(), "");
  EXPECT_THAT(refusal("title = \"one\"\ntokens = 6\n"),
              AllOf(HasSubstr(file_.string()), HasSubstr("belongs to another search"),
                    HasSubstr("'tokens = 5' there, 'tokens = 6' here"), HasSubstr("delete it")));
  EXPECT_THAT(refusal("title = \"one\"\ntokens = 5\nmore = 1\n"), HasSubstr("'' there, 'more = 1' here"));
  EXPECT_THAT(refusal(resolved, true), HasSubstr("belongs to a search that ends by moves"));
  write_checkpoint(file_, resolved, true, some_state());
  EXPECT_THAT(refusal(), HasSubstr("belongs to a search that ends by time"));
}

TEST_F(SearchCheckpoint, ThatIsDamagedIsRefused) {
  write_checkpoint(file_, resolved, false, some_state());
  std::string whole(std::filesystem::file_size(file_), '\0');
  std::ifstream(file_, std::ios::binary).read(whole.data(), static_cast<std::streamsize>(whole.size()));
  for (std::size_t const length : {std::size_t{0}, whole.size() / 2, whole.size() - 1}) {
    write("x.h5.checkpoint", std::string_view(whole).substr(0, length));
    EXPECT_THAT(refusal(), HasSubstr("is damaged")) << length;
  }
  for (std::string const key :
       {"\"stage\"", "\"chains\"", "\"host\"", "\"best_ns\"", "\"tried\"", "\"timed\""}) {
    std::string without = whole;
    without.replace(without.find(key), 2, "\"X");
    write("x.h5.checkpoint", without);
    EXPECT_THAT(refusal(), HasSubstr("is damaged")) << key;
  }
  for (char const* text : {"[]", "17", "null", "{}"}) {
    write("x.h5.checkpoint", text);
    EXPECT_THAT(refusal(), HasSubstr("is damaged")) << text;
  }
  write("x.h5.checkpoint", R"({"format": "something else"})");
  EXPECT_THAT(refusal(), HasSubstr("is no checkpoint of a search"));
}

TEST_F(SearchCheckpoint, ThatCannotBeWrittenIsAnOutputError) {
  EXPECT_THROW(write_checkpoint(folder() / "no" / "folder", resolved, false, some_state()), OutputError);
}

// A search that goes through a file before every round ends as one that does not.
TEST_F(SearchCheckpoint, TakesASearchUpAgain) {
  Scenario const scenario = load(base_scenario);
  auto const backend = make_cpu_backend();
  SearchProblem const problem(scenario, *backend);
  Placement const start = search_start(problem).second;
  SearchOptions options;
  options.moves = 20'000;
  Search whole(problem, start, options);
  while (whole.step()) {
  }
  SearchResult const expected = whole.result();
  SearchState state = Search(problem, start, options).state();
  std::size_t left = 0;
  for (bool more = true; more; ++left) {
    write_checkpoint(file_, resolved, false, state);
    Search next(problem, start, options);
    next.resume(read_checkpoint(file_, resolved, false).value());
    for (std::size_t i = 0; i < (left == 0 ? 203u : 1u) && more; ++i) more = next.step();
    state = next.state();
    if (more) continue;
    SearchResult const found = next.result();
    EXPECT_EQ(found.placement, expected.placement);
    EXPECT_EQ(found.value_ms, expected.value_ms);
    EXPECT_EQ(found.state.counts.tried, expected.state.counts.tried);
    EXPECT_EQ(found.state.counts.accepted, expected.state.counts.accepted);
  }
  EXPECT_GT(left, 4u);
}

}  // namespace
}  // namespace spacemoe::test

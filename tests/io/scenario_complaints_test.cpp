#include <algorithm>
#include <array>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/io/scenario_support.hpp"

namespace spacemoe::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class ScenarioComplaints : public ScenarioFolder {
 protected:
  /// Exactly one complaint, with this beginning and this somewhere.
  void expect_one(std::string const& text, std::string const& where, std::string const& fragment) const {
    std::string const found = complaints(text);
    EXPECT_THAT(found, StartsWith(where)) << text;
    EXPECT_THAT(found, HasSubstr(fragment)) << text;
    EXPECT_EQ(std::ranges::count(found, '\n'), 0) << found;
  }
};

struct Replaced {
  char const* old;
  char const* replacement;
  char const* where;
  char const* fragment;
};

TEST_F(ScenarioComplaints, BaseScenarioHasNone) {
  EXPECT_THAT(complaints(base_scenario), IsEmpty());
  write("edges.csv", edges_csv);
  EXPECT_THAT(complaints(edges_scenario), IsEmpty());
}

TEST_F(ScenarioComplaints, Searches) {
  std::string const where = "scenario.toml:20 search.";
  for (auto const& [line, key, fragment] : std::vector<std::array<std::string, 3>>{
           {"start = \"greedi\"", "start: ", "the nearest is \"greedy\""},
           {"start = \"refined\"", "start: ", "is not a strategy to start from"},
           {"start = \"file\"", "start: ", "is not a strategy to start from"},
           {"start = 3", "start: ", "must be"},
           {"objective = \"p100\"", "objective: \"p100\" is not an objective", "p50 to p99.9"},
           {"objective = \"\"", "objective: ", "is not an objective"},
           {"over = \"best\"", "over: ", "worst"},
           {"lost_penalty_ms = -1", "lost_penalty_ms: -1", "from 0"},
           {"lost_penalty_ms = nan", "lost_penalty_ms: ", ""},
           {"gateways = \"free\"", "gateways: ", "move"},
           {"gateways = true", "gateways: ", "must be"},
           {"moves = 0", "moves: 0 is out of range", "from 1"},
           {"moves = 1e6", "moves: ", "must be an integer"},
           {"outages = 0", "outages: 0 is out of range", "from 1 to 1024"},
           {"outages = 1025", "outages: 1025 is out of range", "from 1 to 1024"},
           {"time_s = 3", "time_s: ", "unknown key"},
           {"topic = 3", "topic: ", ""}}) {
    expect_one(base_and("[search]\n" + line + "\n"), where + key, fragment);
  }
  expect_one(base_and("[[search.topic]]\nweights = \"zipf\"\nexponent = -1\n"),
             "scenario.toml:21 search.topic[0].exponent: -1", "");
  write("edges.csv", edges_csv);
  expect_one(std::string(edges_scenario) + "[search]\nstart = \"spacemoe\"\n",
             "scenario.toml:16 search.start: ", "needs the planes of a shell");
}

TEST_F(ScenarioComplaints, Shells) {
  for (Replaced const& c : std::vector<Replaced>{
           {"satellites_per_plane = 8", "satellites = 50", "scenario.toml:6 shell[0].satellites: ",
            "T = 50 is not a multiple of the 6 planes; the nearest multiples are 48 and 54"},
           {"satellites_per_plane = 8", "satellites = 4",
            "scenario.toml:6 shell[0].satellites: ", "the nearest multiples are 6"},
           {"satellites_per_plane = 8", "satellites_per_plane = 8\nsatellites = 48",
            "scenario.toml:7 shell[0].satellites: ", "conflicts with satellites_per_plane"},
           {"satellites_per_plane = 8\n", "", "scenario.toml:2 shell[0].satellites_per_plane: missing", ""},
           {"planes = 6", "planes = 6\nphasing = 6", "scenario.toml:6 shell[0].phasing: 6 is out of range",
            "from 0 to 5"},
           {"planes = 6", "planes = 6\nphasing = -1", "scenario.toml:6 shell[0].phasing: -1 is out of range",
            "from 0 to 5"},
           {"planes = 6", "planes = 6\nphasing_rule = \"alternating\"\nphasing = 0",
            "scenario.toml:7 shell[0].phasing: has no effect", "half a slot"},
           {"planes = 6", "planes = 0", "scenario.toml:5 shell[0].planes: 0 is out of range", "from 1 to"},
           {"planes = 6", "planes = 6.0", "scenario.toml:5 shell[0].planes: must be an integer, not 6.0", ""},
           {"planes = 6", "planes = 20000000", "scenario.toml:5 shell[0].planes: ", "from 1 to 16777216"},
           {"planes = 6", "planes = 9223372036854775807",
            "scenario.toml:5 shell[0].planes: ", "out of range"},
           {"planes = 6", "planes = 16000000", "scenario.toml:2 shell: ", "more than 16777216 satellites"},
           {"satellites_per_plane = 8", "satellites_per_plane = 0",
            "scenario.toml:6 shell[0].satellites_per_plane: 0 is out of range", "from 1"},
           {"altitude_km = 550", "altitude_km = -5",
            "scenario.toml:3 shell[0].altitude_km: -5 is out of range", "above 0 and at most 100000"},
           {"altitude_km = 550", "altitude_km = 1e7",
            "scenario.toml:3 shell[0].altitude_km: ", "out of range"},
           {"altitude_km = 550", "altitude_km = nan",
            "scenario.toml:3 shell[0].altitude_km: ", "nan is not a finite number"},
           {"altitude_km = 550", "altitude_km = inf",
            "scenario.toml:3 shell[0].altitude_km: ", "inf is not a finite number"},
           {"altitude_km = 550", "altitude_km = \"550\"",
            "scenario.toml:3 shell[0].altitude_km: ", "must be a number, not the string \"550\""},
           {"altitude_km = 550", "altitude_km = 2020-01-01",
            "scenario.toml:3 shell[0].altitude_km: ", "not a date or time"},
           {"altitude_km = 550\n", "", "scenario.toml:2 shell[0].altitude_km: missing", ""},
           {"inclination_deg = 53", "inclination_deg = 181",
            "scenario.toml:4 shell[0].inclination_deg: ", "from 0 to 180"},
           {"planes = 6", "planes = 6\npattern = \"walker\"",
            "scenario.toml:6 shell[0].pattern: ", "valid are delta, star"},
           {"planes = 6", "planes = 6\nplaness = 6", "scenario.toml:6 shell[0].planess: unknown key",
            "the nearest is \"planes\""},
           {"[time]", "[[shell]]\naltitude_km = 1\ninclination_deg = 0\nplanes = 0\nsatellites = 1\n[time]",
            "scenario.toml:10 shell[1].planes: 0 is out of range", ""},
       }) {
    expect_one(base_with(c.old, c.replacement), c.where, c.fragment);
  }
}

TEST_F(ScenarioComplaints, ConstellationTable) {
  std::string const shell(base_shell);
  auto const instead_of_shell = [&](std::string const& lines) { return base_with(shell, lines); };
  EXPECT_THAT(complaints(instead_of_shell("[constellation]\nwalker = \"D:550:53:48/6/1\"\n")), IsEmpty());
  expect_one(instead_of_shell("[constellation]\nwalker = \"D:550:53:50/6/1\"\n"),
             "scenario.toml:3 constellation.walker: ", "T = 50 is not a multiple of P = 6");
  expect_one(instead_of_shell("[constellation]\nwalker = \"D:550:53:48/6/6\"\n"),
             "scenario.toml:3 constellation.walker: ", "F = 6");
  expect_one(instead_of_shell("[constellation]\nwalker = \"D:550:53\"\n"),
             "scenario.toml:3 constellation.walker: ", "write for example");
  expect_one(instead_of_shell("[constellation]\nwalker = \"D:550:53:4000000000/1/0\"\n"),
             "scenario.toml:3 constellation.walker: ", "more than 16777216 satellites");
  expect_one(instead_of_shell("[constellation]\nwalker = \"D:999999:53:48/6/0\"\n"),
             "scenario.toml:3 constellation.walker: ", "999999 km is out of range");
  expect_one(
      instead_of_shell("[constellation]\nwalker = \"D:550:53:48/6/1\"\nphasing_rule = \"alternating\"\n"),
      "scenario.toml:3 constellation.walker: ", "F = 1 has no effect");
  expect_one(instead_of_shell("[constellation]\nearth = \"wgs84\"\n"),
             "scenario.toml:2 constellation.walker: no shells are given", "add a [[shell]]");
  expect_one(base_and("[constellation]\nwalker = \"D:550:53:48/6/1\"\n"),
             "scenario.toml:2 shell: conflicts with constellation.walker", "");
  expect_one(base_and("[constellation]\nphasing_rule = \"walker\"\n"),
             "scenario.toml:20 constellation.phasing_rule: has no effect", "in each [[shell]]");
  expect_one(base_and("[constellation]\nearth = \"wgs85\"\n"),
             "scenario.toml:20 constellation.earth: ", "the nearest is \"wgs84\"");
  write("shells.toml", base_shell);
  expect_one(base_and("[constellation]\nfile = \"shells.toml\"\n"),
             "scenario.toml:2 shell: has no effect: constellation.file gives the shells", "");
}

TEST_F(ScenarioComplaints, IncludedConstellation) {
  std::string const shell(base_shell);
  std::string const text = base_with(shell, "[constellation]\nfile = \"sub/shells.toml\"\n");
  expect_one(text, "scenario.toml:3 constellation.file: cannot read sub/shells.toml: No such file", "");
  write("sub/shells.toml", "# a comment\n" + shell);
  EXPECT_THAT(complaints(text), IsEmpty());
  write("sub/shells.toml", "# a comment\n" + with(shell, "planes = 6", "planes = 0"));
  expect_one(text, "sub/shells.toml:5 shell[0].planes: 0 is out of range", "");
  write("sub/shells.toml", shell + "[time]\nslots = 1\n");
  expect_one(text, "sub/shells.toml:6 time: unknown key", "valid are");
  write("sub/shells.toml", "[constellation]\nfile = \"more.toml\"\n" + shell);
  expect_one(text, "sub/shells.toml:2 constellation.file: has no effect", "includes no other");
  write("sub/shells.toml", "[[shell]\n");
  expect_one(text, "sub/shells.toml:1:", "not valid TOML");
}

TEST_F(ScenarioComplaints, Links) {
  for (Replaced const& c : std::vector<Replaced>{
           {"survival = 1.5", "", "scenario.toml:20 links.survival: 1.5 is out of range", "from 0 to 1"},
           {"survival = -0.1", "", "scenario.toml:20 links.survival: ", "from 0 to 1"},
           {"rate_bit_s = 0", "", "scenario.toml:20 links.rate_bit_s: 0 is out of range", "above 0"},
           {"message_bytes = -1", "", "scenario.toml:20 links.message_bytes: ", "from 0"},
           {"message_bytes = 1e12", "", "scenario.toml:20 links.message_bytes: one hop takes 80 s", ""},
           {"forwarding_us = 2e6\nmessage_bytes = 2e9", "",
            "scenario.toml:21 links.message_bytes: one hop takes 2.16 s", ""},
           {"seam = \"closed\"", "", "scenario.toml:20 links.seam: ", "valid are cut, wrap, wrap-phased"},
           {"seam = \"wrap-phase\"", "", "scenario.toml:20 links.seam: ", "the nearest is \"wrap-phased\""},
           {"star_seam = true", "", "scenario.toml:20 links.star_seam: has no effect: no shell is a star",
            ""},
           {"star_seam = 1", "", "scenario.toml:20 links.star_seam: must be true or false, not 1", ""},
           {"between_shells = \"near\"", "",
            "scenario.toml:20 links.between_shells: ", "valid are none, nearest, same-shell"},
           {"between_shells_range_km = 100", "",
            "scenario.toml:20 links.between_shells_range_km: has no effect", "nearest"},
           {"between_shells = \"same-shell\"", "",
            "scenario.toml:20 links.between_shells: has no effect: there is a single shell", ""},
           {"between_shells = \"nearest\"\nbetween_shells_range_km = 100", "",
            "scenario.toml:20 links.between_shells: has no effect: there is a single shell", ""},
           {"latitude_rule = \"both\"", "", "scenario.toml:20 links.latitude_rule: has no effect", ""},
           {"latitude_limit_deg = 91", "", "scenario.toml:20 links.latitude_limit_deg: ", "from 0 to 90"},
           {"max_range_km = \"none\"", "", "scenario.toml:20 links.max_range_km: ", "a number or \"off\""},
           {"grazing_altitude_km = 550", "", "scenario.toml:20 links.grazing_altitude_km: ", "below 550"},
           {"max_pointing_rate_rad_s = 0", "", "scenario.toml:20 links.max_pointing_rate_rad_s: ", "above 0"},
           {"max_pointing_rate = 0.1", "", "scenario.toml:20 links.max_pointing_rate: unknown key in [links]",
            "the nearest is \"max_pointing_rate_rad_s\""},
       }) {
    expect_one(base_and("[links]\n" + std::string(c.old) + "\n"), c.where, c.fragment);
  }
  std::string const star = base_with("planes = 6", "planes = 6\npattern = \"star\"");
  EXPECT_THAT(complaints(star), IsEmpty());
  expect_one(star + "[links]\nseam = \"wrap\"\n", "scenario.toml:21 links.seam: ", "star_seam = true");
  EXPECT_THAT(complaints(star + "[links]\nseam = \"wrap\"\nstar_seam = true\n"), IsEmpty());
  expect_one(star + "[links]\nstar_seam = true\n", "scenario.toml:21 links.star_seam: has no effect", "cut");
}

TEST_F(ScenarioComplaints, LinksBetweenShells) {
  std::string const two = base_with("[[shell]]\n",
                                    "[[shell]]\naltitude_km = 600\ninclination_deg = 70\nplanes = 6\n"
                                    "satellites_per_plane = 8\n[[shell]]\n");
  auto const links = [&](char const* keys) { return two + "[links]\n" + keys + "\n"; };
  EXPECT_THAT(complaints(links("between_shells = \"none\"")), IsEmpty());
  EXPECT_THAT(complaints(links("between_shells = \"same-shell\"")), IsEmpty());
  EXPECT_THAT(complaints(links("between_shells = \"nearest\"\nbetween_shells_range_km = 900")), IsEmpty());
  expect_one(links("between_shells = \"nearest\""), "scenario.toml:24 links.between_shells_range_km: missing",
             "nearest");
  expect_one(links("between_shells = \"nearest\"\nbetween_shells_range_km = 0"),
             "scenario.toml:26 links.between_shells_range_km: 0 is out of range", "above 0");
  expect_one(links("between_shells = \"same-shell\"\nbetween_shells_range_km = 900"),
             "scenario.toml:26 links.between_shells_range_km: has no effect", "nearest");
}

TEST_F(ScenarioComplaints, TimeAndEvaluation) {
  expect_one(base_with("slots = 2", "slots = 0"), "scenario.toml:8 time.slots: 0 is out of range", "from 1");
  expect_one(base_with("slots = 2", "slots = 16777217"), "scenario.toml:8 time.slots: ", "16777216");
  expect_one(base_with("slots = 2\n", ""), "scenario.toml:7 time.slots: missing", "");
  expect_one(base_with("[time]\nslots = 2\n", ""), "scenario.toml:1 time.slots: missing", "");
  expect_one(base_with("slots = 2", "slots = 2\nspan_s = -1"), "scenario.toml:9 time.span_s: ", "from 0");
  expect_one(base_with("slots = 2", "slots = 2\nspan_s = \"orbit\""),
             "scenario.toml:9 time.span_s: ", "a number or \"period\"");
  expect_one(base_with("slots = 2", "slots = 2\nstart_s = -inf"),
             "scenario.toml:9 time.start_s: ", "-inf is not a finite number");
  expect_one(base_and("[evaluation]\ntokens = 0\n"), "scenario.toml:20 evaluation.tokens: 0 is out of range",
             "from 1 to 8589934590");
  expect_one(base_and("[evaluation]\ntokens = 1e6\n"),
             "scenario.toml:20 evaluation.tokens: must be an integer, not 1e+06", "");
  expect_one(base_and("[evaluation]\nunreachable = \"wait\"\n"),
             "scenario.toml:20 evaluation.unreachable: ", "valid are drop");
  expect_one(base_and("[evaluation]\nsampler = \"order statistic\"\n"),
             "scenario.toml:20 evaluation.sampler: ", "the nearest is \"order-statistic\"");
  expect_one("seed = -1\n" + base_and(""), "scenario.toml:1 seed: -1 is out of range", "");
}

TEST_F(ScenarioComplaints, Model) {
  for (Replaced const& c : std::vector<Replaced>{
           {"top_k = 2", "top_k = 5",
            "scenario.toml:12 model.top_k: K = 5 experts cannot be drawn from E = 4", "from 1 to 4"},
           {"experts = 4\ntop_k = 2", "experts = 64\ntop_k = 33", "scenario.toml:12 model.top_k: 33 is out",
            "from 1 to 32"},
           {"experts = 4", "experts = 65536", "scenario.toml:11 model.experts: ", "from 1 to 65535"},
           {"moe_layers = 2\nexperts = 4", "moe_layers = 65535\nexperts = 65535",
            "scenario.toml:11 model.experts: more than 16777216 experts", ""},
           {"moe_layers = 2", "moe_layers = 2\nlayers = 1",
            "scenario.toml:10 model.moe_layers: ", "at most 1"},
           {"top_k = 2\n", "", "scenario.toml:9 model.top_k: missing", ""},
           {"hidden_size = 64", "hidden_size = 0", "scenario.toml:13 model.hidden_size: ", "from 1"},
           {"hidden_size = 64", "hidden_size = 64\nexpert_byte = 1.5",
            "scenario.toml:14 model.expert_byte: unknown key", "the nearest is \"expert_bytes\""},
           {"hidden_size = 64", "hidden_size = 64\nfile = \"model.toml\"",
            "scenario.toml:14 model.file: cannot read model.toml: No such file", ""},
           {"hidden_size = 64", "hidden_size = 64\nfile = \".\"",
            "scenario.toml:14 model.file: ", "it is a directory"},
       }) {
    expect_one(base_with(c.old, c.replacement), c.where, c.fragment);
  }
  write("model.toml", "hidden_size = 32\nlayers = 2\nexpert_bytes = -1\n");
  expect_one(base_with("hidden_size = 64", "file = \"model.toml\""),
             "model.toml:3 model.expert_bytes: -1 is out of range", "");
  write("model.toml", "hidden_size = 32\nfile = \"x\"\n");
  expect_one(base_with("hidden_size = 64", "file = \"model.toml\""),
             "model.toml:2 file: ", "includes no other");
  std::string const text(base_scenario.substr(0, base_scenario.find("[model]")));
  EXPECT_THAT(complaints(text), HasSubstr("scenario.toml:1 model: missing"));
}

TEST_F(ScenarioComplaints, Activation) {
  struct Lines {
    char const* lines;
    char const* where;
    char const* fragment;
  };
  for (Lines const& c : std::vector<Lines>{
           {"law = \"top-k\"", "scenario.toml:20 activation.law: ", "plackett-luce"},
           {"weights = \"zip\"", "scenario.toml:20 activation.weights: ", "the nearest is \"zipf\""},
           {"weights = \"zipf\"", "scenario.toml:19 activation.exponent: missing", ""},
           {"weights = \"log-normal\"", "scenario.toml:19 activation.sigma: missing", ""},
           {"exponent = 1", "scenario.toml:20 activation.exponent: has no effect: weights are \"uniform\"",
            "set weights = \"zipf\""},
           {"seed = 1", "scenario.toml:20 activation.seed: has no effect", "draws nothing"},
           {"weights = \"zipf\"\nexponent = 1\nsigma = 1", "scenario.toml:22 activation.sigma: has no effect",
            ""},
           {"weights = \"zipf\"\nexponent = -1", "scenario.toml:21 activation.exponent: ", "from 0"},
           {"weights = \"inline\"", "scenario.toml:19 activation.values: missing", ""},
           {"weights = \"inline\"\nvalues = [1, 2, 3]", "scenario.toml:21 activation.values: has 3 numbers",
            "give 2 rows of 4 numbers, or one row"},
           {"weights = \"inline\"\nvalues = [[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4]]",
            "scenario.toml:21 activation.values: has 3 rows of 4 numbers", "2 MoE layers of 4 experts"},
           {"weights = \"inline\"\nvalues = [\n[1, 2, 3, 4],\n[1, 2, 3]]",
            "scenario.toml:23 activation.values[1]: has 3 numbers where the first row has 4", ""},
           {"weights = \"inline\"\nvalues = [1, 2, -3, 4]",
            "scenario.toml:21 activation.values[2]: -3 is out of range", ""},
           {"weights = \"inline\"\nvalues = [1, 2, 3, nan]",
            "scenario.toml:21 activation.values[3]: nan is not a finite", ""},
           {"weights = \"inline\"\nvalues = [[1, 2, 3, 4],\n[0, 0, 0, 4]]",
            "scenario.toml:21 activation.values: layer 1 has 1 positive weights, fewer than K = 2", ""},
           {"weights = \"file\"", "scenario.toml:19 activation.file: missing", ""},
           {"weights = \"file\"\nfile = \"\"", "scenario.toml:21 activation.file: an empty file name", ""},
           {"weights = \"file\"\nfile = \"w.txt\"", "scenario.toml:21 activation.file: weights are read from",
            ""},
           {"weights = \"file\"\nfile = \"w.csv\"", "scenario.toml:21 activation.file: cannot read w.csv",
            ""},
       }) {
    expect_one(base_and("[activation]\n" + std::string(c.lines) + "\n"), c.where, c.fragment);
  }
  std::string const many = base_with("experts = 4", "experts = 33");
  EXPECT_THAT(complaints(many + "[activation]\nweights = \"zipf\"\nexponent = 100\n"),
              Not(HasSubstr("positive weights")));
}

TEST_F(ScenarioComplaints, WeightFiles) {
  struct Content {
    char const* file;
    char const* content;
    char const* where;
    char const* fragment;
  };
  for (Content const& c : std::vector<Content>{
           {"w.csv", "1,2,3,4\n1,2,x,4\n", "w.csv:2: column 3: \"x\" is not a number", ""},
           {"w.csv", "1,2,3,4\n1,2,3,4 tail\n", "w.csv:2: column 4: \"4 tail\" is not a number", ""},
           {"w.csv", "1,2,3,4\n1,2,3\n", "w.csv:2: has 3 columns instead of 4", ""},
           {"w.csv", "1,2,3,4\n1,-2,3,4\n", "w.csv:2: column 2: -2 is out of range", ""},
           {"w.csv", "1,2,3,4\n1,inf,3,4\n", "w.csv:2: column 2: \"inf\" is not a number", ""},
           {"w.csv", "1,2,3\n1,2,3\n", "scenario.toml:21 activation.file: has 2 rows of 3 numbers", ""},
           {"w.csv", "", "w.csv: the file is empty", ""},
           {"w.csv", "\xef\xbb\xbf\r\n \r\n", "w.csv: the file is empty", ""},
           {"w.csv", "1,2,3,4\r\n\r\n1,2,3,4\r\n", "w.csv:2: a blank line between others", "remove it"},
           {"w.csv", "\n1,2,3,4\n", "w.csv:1: a blank line between others", ""},
           {"w.csv", "1,2,3,4\n1\n", "w.csv:2: has 1 column instead of 4", ""},
           {"w.csv",
            "1,2,3,4\n1,2,\xef\xbb\xbf"
            "3,4\n",
            "w.csv:2: column 3: ", "is not a number"},
           {"w.json", "[[1, 2, 3, 4], [1, 2, 3,\n 4]] tail", "w.json:2:7: not valid JSON: syntax error",
            "invalid literal; give [[...]"},
           {"w.json", "[[1, 2,\n 3, 4]", "w.json:2:7: not valid JSON: syntax error",
            "unexpected end of input"},
           {"w.json", "[[1, 2, [[[[]]]], 4]]", "w.json: row 0, number 2: an array is not a number", ""},
           {"w.json", "[[1, 2, 3, 4], [1, 2, 3]]", "w.json: row 1 has 3 numbers where the first row has 4",
            ""},
           {"w.json", "[[1, 2, 3, 4], [1, 2, -3, 4]]", "w.json: row 1, number 2: -3 is not a number", ""},
           {"w.json", "[[1, 2, \"3\", 4]]", "w.json: row 0, number 2: \"3\" is not a number", ""},
           {"w.json", "{\"expert_counts\": [[1, 2, 3, 4]]}", "w.json: unexpected \"expert_counts\"", ""},
           {"w.json", "{\"total_input_tokens\": 3}", "w.json: \"expert_popularity\" is missing", ""},
           {"w.json", "[]", "w.json: not an array of rows", ""},
           {"w.json", "[[1, 2, 3, 1e999]]", "w.json: a number is too large", ""},
       }) {
    write(c.file, c.content);
    expect_one(base_and("[activation]\nweights = \"file\"\nfile = \"" + std::string(c.file) + "\"\n"),
               c.where, c.fragment);
  }
}

TEST_F(ScenarioComplaints, LongFilesOfErrorsStayReadable) {
  std::string text = "1,2,3,4\n";
  for (int i = 0; i < 1000; ++i) text += "1,2,3,x\n";
  write("w.csv", text);
  std::string const found = complaints(base_and("[activation]\nweights = \"file\"\nfile = \"w.csv\"\n"));
  EXPECT_EQ(std::ranges::count(found, '\n'), 9);
}

TEST_F(ScenarioComplaints, Compute) {
  struct Lines {
    char const* lines;
    char const* where;
    char const* fragment;
  };
  for (Lines const& c : std::vector<Lines>{
           {"", "scenario.toml:15 compute.rate_flop_s: missing", "or expert_ms"},
           {"expert_ms = 2", "scenario.toml:15 compute.rate_flop_s: missing: the gateways'",
            "gateway = false"},
           {"expert_ms = 2\ngateway_ms = 1", "scenario.toml:15 compute.rate_flop_s: missing: the head's",
            "head = false"},
           {"expert_ms = 2\ngateway = false\nhead_ms = 1\nrate_flop_s = 1e9",
            "scenario.toml:19 compute.rate_flop_s: has no effect", ""},
           {"rate_flop_s = 1e9\ngateway = false\ngateway_ms = 1",
            "scenario.toml:18 compute.gateway_ms: has no effect", ""},
           {"rate_flop_s = 1e9\nhead = false\nhead_ms = 1", "scenario.toml:18 compute.head_ms: has no effect",
            ""},
           {"rate_flop_s = 0", "scenario.toml:16 compute.rate_flop_s: 0 is out of range", "above 0"},
           {"rate_flop_s = 1e9\nexpert_ms = [1, 2, 3]", "scenario.toml:17 compute.expert_ms: has 3 numbers",
            "2 numbers (one per MoE layer) or 2 rows of 4 numbers"},
           {"rate_flop_s = 1e9\ngateway_ms = [[1, 2]]", "scenario.toml:17 compute.gateway_ms: has 1 row of 2",
            "2 numbers (one per MoE layer)"},
           {"rate_flop_s = 1e9\nexpert_ms = -1", "scenario.toml:17 compute.expert_ms: -1 is out of range",
            ""},
           {"rate_flop_s = 1e9\nexpert_ms = 2148", "scenario.toml:17 compute.expert_ms: one layer computes",
            ""},
           {"rate_flop_s = 1e4", "scenario.toml:16 compute.rate_flop_s: one layer computes for up to", ""},
           {"rate_flop_s = 1e9\nmemory_bandwidth_byte_s = 1e9",
            "scenario.toml:17 compute.memory_bandwidth_byte_s: needs the size", "expert_bytes"},
           {"rate_flop_s = 1e9\nexpert_ms = 1\nmemory_bandwidth_byte_s = 1e9",
            "scenario.toml:18 compute.memory_bandwidth_byte_s: has no effect", ""},
           {"rate_flop_s = 1e9\nsatellite_rates = \"rates.csv\"",
            "scenario.toml:17 compute.satellite_rates: cannot read rates.csv", ""},
           {"satellite_rate_flop_s = [1e9, 1e9]",
            "scenario.toml:16 compute.satellite_rate_flop_s: has 2 numbers", "give 48 numbers"},
           {"rate_flop_s = 1e9\nsatellite_rate_flop_s = [1e9]",
            "scenario.toml:16 compute.rate_flop_s: has no effect", ""},
       }) {
    std::string const found = complaints(base_with("rate_flop_s = 1e9", c.lines));
    EXPECT_THAT(found, StartsWith(c.where));
    EXPECT_THAT(found, HasSubstr(c.fragment));
  }
  std::string const slow = base_with("rate_flop_s = 1e9", "rate_flop_s = 1e9\nexpert_ms = 1200");
  EXPECT_THAT(complaints(slow), IsEmpty());
  expect_one(slow + "capacity = 2\n", "scenario.toml:17 compute.expert_ms: one layer computes",
             "2 x expert 1.2 s");
}

TEST_F(ScenarioComplaints, RateFiles) {
  std::string const text = base_with("rate_flop_s = 1e9", "satellite_rates = \"rates.csv\"");
  write("rates.csv", "satellite,rate\n0,1e9\n");
  expect_one(text, "rates.csv:1: the header is not satellite,rate_flop_s", "");
  write("rates.csv", "satellite,rate_flop_s\n");
  expect_one(text, "rates.csv:1: there are no lines", "");
  write("rates.csv", "satellite,rate_flop_s\n0,1e9\n48,1e9\n");
  expect_one(text, "rates.csv:3: column 1 (satellite): 48 is out of range", "from 0 to 47");
  write("rates.csv", "satellite,rate_flop_s\n0,1e9\n");
  expect_one(text, "scenario.toml:16 compute.satellite_rates: rates.csv gives no rate for satellite 1",
             "list all 48");
  write("rates.csv", "satellite,rate_flop_s\n0,1e9\n0,2e9\n");
  EXPECT_THAT(complaints(text), StartsWith("rates.csv:3: satellite 0 is listed twice, first in line 2"));
}

TEST_F(ScenarioComplaints, TooSlowSatellites) {
  // An expert of 6 * 64 * 128 FLOPs takes 4.9 s at 1e4 FLOP/s.
  std::string const with_rest =
      base_with("rate_flop_s = 1e9", "rate_flop_s = 1e9\nsatellite_rates = \"rates.csv\"");
  write("rates.csv", "satellite,rate_flop_s\n9,2e9\n5,1e4\n7,2e4\n");
  expect_one(with_rest, "rates.csv:3: one layer on satellite 5 computes for up to", "1 x expert 4.9152 s");
  // Where the file's are fast, the common rate of the first other satellite is to blame.
  write("rates.csv", "satellite,rate_flop_s\n0,2e9\n");
  expect_one(with(with_rest, "rate_flop_s = 1e9", "rate_flop_s = 1e4"),
             "scenario.toml:16 compute.rate_flop_s: one layer on satellite 1 computes", "");
  std::string rates = "1e9";
  for (int s = 1; s < 48; ++s) rates += s == 30 ? ",\n1e4" : ", 1e9";
  expect_one(base_with("rate_flop_s = 1e9", "satellite_rate_flop_s = [" + rates + "]"),
             "scenario.toml:17 compute.satellite_rate_flop_s[30]: one layer on satellite 30 computes", "");
  // What is given in ms, or read from memory, is not the rate's fault.
  write("rates.csv", "satellite,rate_flop_s\n5,1e8\n");
  expect_one(with(with_rest, "rate_flop_s = 1e9\n", "rate_flop_s = 1e9\nexpert_ms = 3000\n"),
             "scenario.toml:17 compute.expert_ms: one layer computes", "3 s");
  expect_one(with(with_rest, "rate_flop_s = 1e9\n", "rate_flop_s = 1e9\ngateway_ms = 3000\n"),
             "scenario.toml:17 compute.gateway_ms: one layer computes", "gateway 3 s");
  expect_one(
      with(with(with_rest, "rate_flop_s = 1e9\n", "rate_flop_s = 1e9\nmemory_bandwidth_byte_s = 100\n"),
           "expert_size = 128", "expert_size = 128\nexpert_bytes = 300"),
      "scenario.toml:18 compute.memory_bandwidth_byte_s: one layer computes", "expert 3 s");
  // Without a network nobody knows the rates of its satellites.
  expect_one(
      with(base_with("rate_flop_s = 1e9", "satellite_rates = \"rates.csv\""), "planes = 6", "planes = 0"),
      "scenario.toml:5 shell[0].planes: 0 is out of range", "");
}

TEST_F(ScenarioComplaints, Placement) {
  for (Replaced const& c : std::vector<Replaced>{
           {"strategies = [\"spacemoe\"]\n", "", "scenario.toml:17 placement.strategies: missing", ""},
           {"[\"spacemoe\"]", "[]", "scenario.toml:18 placement.strategies: names no strategy",
            "valid are rand-place, rand-intra, rand-intra-cg, spacemoe, near-random, colocated, greedy, "
            "staircase, refined, file"},
           {"[\"spacemoe\"]", "\"spacemoe\"",
            "scenario.toml:18 placement.strategies: ", "an array of strings"},
           {"[\"spacemoe\"]", "[\"spacemoe\", 3]",
            "scenario.toml:18 placement.strategies[1]: ", "a string, not 3"},
           {"[\"spacemoe\"]", "[\"spacmoe\"]", "scenario.toml:18 placement.strategies: \"spacmoe\" is not a",
            "the nearest is \"spacemoe\""},
           {"[\"spacemoe\"]", "[\"greedy\", \"greedy\"]",
            "scenario.toml:18 placement.strategies: \"greedy\" is named twice", ""},
           {"[\"spacemoe\"]", "[\"greedy\"]\ncapacity = 0", "scenario.toml:19 placement.capacity: 0 is out",
            ""},
           {"[\"spacemoe\"]", "[\"greedy\"]\nrandom_placements = 0",
            "scenario.toml:19 placement.random_placements: 0 is out", ""},
           {"[\"spacemoe\"]", "[\"greedy\"]\nring_shell = 1",
            "scenario.toml:19 placement.ring_shell: 1 is out", "from 0 to 0"},
           {"[\"spacemoe\"]", "[\"greedy\"]\nring_shell = \"shell 1\"",
            "scenario.toml:19 placement.ring_shell: no shell is called", "the nearest is \"shell 0\""},
           {"[\"spacemoe\"]", "[\"greedy\"]\naggregation = \"gateway\"",
            "scenario.toml:19 placement.aggregation: ", "own-gateway"},
           {"[\"spacemoe\"]", "[\"file\"]", "scenario.toml:17 placement.file: missing",
            "[[placement.given]]"},
           {"[\"spacemoe\"]", "[\"greedy\"]\nfile = \"p.toml\"",
            "scenario.toml:19 placement.file: has no effect", ""},
           {"[\"spacemoe\"]", "[\"file\"]\nfile = \"p.toml\"",
            "scenario.toml:19 placement.file: cannot read p.toml", ""},
           {"[\"spacemoe\"]", "[\"file\"]\nfile = \"r.h5\"",
            "scenario.toml:19 placement.file: cannot read r.h5: No such file", ""},
           {"[\"spacemoe\"]", "[\"file\"]\nfile = \"r.h5\"\nfile_strategy = \"greedy\"",
            "scenario.toml:19 placement.file: cannot read r.h5: No such file", ""},
           {"[\"spacemoe\"]", "[\"file\"]\nfile = \"r.h5\"\nfile_strategy = \"greed\"",
            "scenario.toml:20 placement.file_strategy: \"greed\" is not a strategy",
            "the nearest is \"greedy\""},
       }) {
    expect_one(base_with(c.old, c.replacement), c.where, c.fragment);
  }
}

TEST_F(ScenarioComplaints, PlacementTables) {
  auto const given = [](std::string const& lines) {
    return base_with("[\"spacemoe\"]", "[\"file\"]\n[[placement.given]]\n" + lines);
  };
  std::string const hosts = "hosts = [[2, 3, 4, 5], [6, 7, 8, 9]]\n";
  EXPECT_THAT(complaints(given("gateways = [0, 1]\n" + hosts)), IsEmpty());
  std::string const table = "scenario.toml:19 placement.given[0]";
  expect_one(given(hosts), table + ".gateways: missing", "");
  expect_one(given("gateways = [0]\n" + hosts), "scenario.toml:20 placement.given[0].gateways: has 1 number",
             "2 numbers");
  expect_one(given("gateways = [0, 1]\nhosts = [[2, 3, 4, 5]]\n"),
             "scenario.toml:21 placement.given[0].hosts: has 1 row of 4 numbers", "2 rows of 4 numbers");
  expect_one(given("gateways = [0, 1.0]\n" + hosts),
             "scenario.toml:20 placement.given[0].gateways[1]: must be an integer, not 1.0", "");
  expect_one(given("gateways = [0,\n48]\n" + hosts),
             "scenario.toml:21 placement.given[0].gateways[1]: satellite 48 does not exist", "0 to 47");
  expect_one(given("gateways = [0, 1]\nhosts = [[2, 3, 4, 5],\n[6, 7, 8, 99]]\n"),
             "scenario.toml:22 placement.given[0].hosts[1][3]: satellite 99 does not exist", "0 to 47");
  expect_one(
      given("gateways = [0, 1]\nhosts = [[2, 3, 4, 5], [6, 7, 2, 2]]\n"),
      "scenario.toml:21 placement.given[0].hosts[1][2]: satellite 2 hosts more experts than its capacity "
      "of 1",
      "raise placement.capacity");
  expect_one(given("gateways = [0, 2]\n" + hosts),
             "scenario.toml:20 placement.given[0].gateways[1]: gateway 2 also hosts experts",
             "gateways_host_experts = true");
  write("p.toml", "gateways = [0, 1]\nhosts = [\n[2, 3, 4, 5],\n[6, 7, 8, 48]]\n");
  expect_one(base_with("[\"spacemoe\"]", "[\"file\"]\nfile = \"p.toml\""),
             "p.toml:4 hosts[1][3]: satellite 48 does not exist", "");
  write("p.toml", "gateways = [0, 1]\n" + hosts + "host = 1\n");
  expect_one(base_with("[\"spacemoe\"]", "[\"file\"]\nfile = \"p.toml\""), "p.toml:3 host: unknown key",
             "the nearest is \"hosts\"");
}

TEST_F(ScenarioComplaints, ReplicasAndSparesOfPlacementTables) {
  auto const given = [](std::string const& lines) {
    return base_with("[\"spacemoe\"]",
                     "[\"file\"]\n[[placement.given]]\ngateways = [0, 1]\n"
                     "hosts = [[2, 3, 4, 5], [6, 7, 8, 9]]\n" +
                         lines);
  };
  EXPECT_THAT(complaints(given("replicas = []\nspares = []\n")), IsEmpty());
  EXPECT_THAT(
      complaints(given("replicas = [[1, 3, 10], [0, 0, 11], [1, 3, 12]]\nspares = [[1, 13], [0, 14]]\n")),
      IsEmpty());
  std::string const replicas = "scenario.toml:22 placement.given[0].replicas";
  expect_one(given("replicas = 7\n"), replicas + ": has one number", "rows of [layer, expert, satellite]");
  expect_one(given("replicas = [1, 3, 10]\n"), replicas + ": has 3 numbers",
             "rows of [layer, expert, satellite]");
  expect_one(given("replicas = [[1, 10]]\n"), replicas + ": has 1 row of 2 numbers", "");
  expect_one(given("replicas = [[1, 3, -1]]\n"), replicas + "[0][2]: -1 is out of range", "");
  expect_one(given("spares = [[1, 3, 10]]\n"),
             "scenario.toml:22 placement.given[0].spares: has 1 row of 3 numbers",
             "rows of [layer, satellite]");
  expect_one(given("spare = [[1, 10]]\n"), "scenario.toml:22 placement.given[0].spare: unknown key",
             "the nearest is \"spares\"");
  // Everything at once, each with its line.
  std::string const all =
      complaints(given("replicas = [[1, 3, 10],\n[2, 0, 11],\n[0, 4, 11],\n[0, 1, 48],\n[0, 0, 2],\n"
                       "[0, 1, 2],\n[0, 1, 0]]\nspares = [[0, 0],\n[2, 12],\n[1, 10]]\n"));
  for (char const* line :
       {"scenario.toml:23 placement.given[0].replicas[1]: layer 2 does not exist; layers are 0 to 1",
        "scenario.toml:24 placement.given[0].replicas[2]: expert 4 does not exist; experts are 0 to 3",
        "scenario.toml:25 placement.given[0].replicas[3]: satellite 48 does not exist",
        "scenario.toml:26 placement.given[0].replicas[4]: satellite 2 has expert 0 of layer 0 already",
        "scenario.toml:27 placement.given[0].replicas[5]: satellite 2 hosts more experts than its capacity "
        "of 1",
        "scenario.toml:20 placement.given[0].gateways[0]: gateway 0 also hosts experts",
        "scenario.toml:29 placement.given[0].spares[0]: satellite 0 is a gateway of layer 0 already",
        "scenario.toml:30 placement.given[0].spares[1]: layer 2 does not exist",
        "scenario.toml:31 placement.given[0].spares[2]: gateway 10 also hosts experts"}) {
    EXPECT_THAT(all, HasSubstr(line));
  }
  EXPECT_EQ(std::ranges::count(all, '\n'), 8);
}

/// By definition: everything exists, a satellite has at most its capacity of copies, each of another expert,
/// is gateway of a layer once, and is not host and gateway at once unless it may.
bool is_sound(Placement const& placement, PlacementLimits const& limits) {
  std::vector<SatelliteId> hosts = placement.host;
  std::vector<SatelliteId> gateways = placement.gateway;
  std::vector<std::pair<std::uint32_t, SatelliteId>> of_expert;
  std::vector<std::pair<std::uint32_t, SatelliteId>> of_layer;
  for (std::uint32_t e = 0; e < hosts.size(); ++e) of_expert.emplace_back(e, hosts[e]);
  for (std::uint32_t l = 0; l < gateways.size(); ++l) of_layer.emplace_back(l, gateways[l]);
  for (Replica const& replica : placement.replica) {
    if (replica.layer >= placement.layers || replica.expert >= placement.experts) return false;
    hosts.push_back(replica.host);
    of_expert.emplace_back(replica.layer * placement.experts + replica.expert, replica.host);
  }
  for (SpareGateway const& spare : placement.spare) {
    if (spare.layer >= placement.layers) return false;
    gateways.push_back(spare.satellite);
    of_layer.emplace_back(spare.layer, spare.satellite);
  }
  auto const exists = [&](SatelliteId id) { return index(id) < limits.satellites; };
  auto const differ = [](auto pairs) {
    std::ranges::sort(pairs);
    return std::ranges::adjacent_find(pairs) == pairs.end();
  };
  return std::ranges::all_of(hosts, exists) && std::ranges::all_of(gateways, exists) && differ(of_expert) &&
         differ(of_layer) && std::ranges::all_of(hosts, [&](SatelliteId id) {
           bool const may_host = limits.gateways_host_experts || std::ranges::count(gateways, id) == 0;
           return may_host && std::ranges::count(hosts, id) <= limits.capacity;
         });
}

std::string table_of(Placement const& placement) {
  std::ostringstream text;
  auto const& h = placement.host;
  text << "\n[[placement.given]]\ngateways = [" << index(placement.gateway[0]) << ", "
       << index(placement.gateway[1]) << "]\nhosts = [";
  for (std::size_t l : {0u, 4u}) {
    text << "[" << index(h[l]) << ", " << index(h[l + 1]) << ", " << index(h[l + 2]) << ", "
         << index(h[l + 3]) << "], ";
  }
  text << "]\nreplicas = [";
  for (Replica const& r : placement.replica) {
    text << "[" << r.layer << ", " << r.expert << ", " << index(r.host) << "], ";
  }
  text << "]\nspares = [";
  for (SpareGateway const& s : placement.spare) text << "[" << s.layer << ", " << index(s.satellite) << "], ";
  text << "]\n";
  return text.str();
}

TEST_F(ScenarioComplaints, PlacementsAreRefusedExactlyWhereTheyAreNotSound) {
  std::mt19937 random(2);
  std::size_t sound = 0;
  std::size_t with_redundancy = 0;
  constexpr std::size_t count = 400;
  for (std::size_t i = 0; i < count; ++i) {
    auto const draw = [&] { return satellite(random() % 49 % (random() % 2 == 0 ? 49 : 24)); };
    auto const number = [&](std::uint32_t below) {
      return static_cast<std::uint32_t>(random() % 12 == 0 ? below : random() % below);
    };
    Placement placement{2, 4, {draw(), draw()}, {}};
    for (std::size_t e = 0; e < 8; ++e) placement.host.push_back(draw());
    for (std::size_t r = random() % 4; r > 1; --r) {
      std::uint32_t const layer = number(2);
      placement.replica.push_back({layer, number(4), draw()});
    }
    for (std::size_t s = random() % 4; s > 1; --s) placement.spare.push_back({number(2), draw()});
    PlacementLimits const limits{48, 1 + static_cast<std::uint32_t>(random() % 3), random() % 2 == 0};
    std::string const keys = "capacity = " + std::to_string(limits.capacity) +
                             "\ngateways_host_experts = " + (limits.gateways_host_experts ? "true" : "false");
    std::string const scenario = base_with("[\"spacemoe\"]\n", "[\"file\"]\n" + keys + table_of(placement));
    bool const none = is_sound(placement, limits);
    EXPECT_EQ(complaints(scenario).empty(), none) << scenario;
    sound += none ? 1 : 0;
    with_redundancy += none && !placement.replica.empty() && !placement.spare.empty() ? 1u : 0u;
  }
  EXPECT_GT(sound, count / 8);
  EXPECT_LT(sound, count * 7 / 8);
  EXPECT_GT(with_redundancy, 10u);
}

TEST_F(ScenarioComplaints, ManyMisplacedExpertsStayReadable) {
  std::string row = "[2";
  for (int e = 1; e < 30; ++e) row += ", 99";
  std::string const text =
      with(base_with("[\"spacemoe\"]\n", "[\"file\"]\n[[placement.given]]\ngateways = [0, 1]\nhosts = [" +
                                             row + "], " + row + "]]\n"),
           "experts = 4", "experts = 30");
  EXPECT_EQ(std::ranges::count(complaints(text), '\n'), 9);
}

TEST_F(ScenarioComplaints, ListedLinks) {
  struct Content {
    char const* csv;
    char const* where;
    char const* fragment;
  };
  for (Content const& c : std::vector<Content>{
           {"a,b,ms\n0,1,1\n", "edges.csv:1: the header is not a,b,latency_ms", ""},
           {"a,b,latency_ms\n0,1,1\n1,1,1\n", "edges.csv:3: link 1 - 1 joins a node to itself", ""},
           {"a,b,latency_ms\n0,1,1\n1,0,1\n", "edges.csv:3: link 0 - 1 is listed twice", ""},
           {"a,b,latency_ms\n0,1.5,1\n", "edges.csv:2: column 2 (b): \"1.5\" is not an integer", ""},
           {"a,b,latency_ms\n0,1,0\n", "edges.csv:2: column 3 (latency_ms): 0 is out of range", ""},
           {"a,b,latency_ms\n0,1,2200\n", "edges.csv:2: column 3 (latency_ms): 2200 is out of range", ""},
           {"a,b,latency_ms\n-1,1,1\n", "edges.csv:2: column 1 (a): -1 is out of range", ""},
           {"a,b,latency_ms\n0,1,1,\n", "edges.csv:2: has 4 columns instead of 3", ""},
           {"a,b,latency_ms\n0,1,1\n\n2,3,1\n", "edges.csv:3: a blank line between others", ""},
           {"\r\n", "edges.csv: the file is empty", ""},
           {"a,b,latency_ms\n0,99999999,1\n", "edges.csv:2: column 2 (b): 99999999 is out of range", ""},
       }) {
    write("edges.csv", c.csv);
    expect_one(std::string(edges_scenario), c.where, c.fragment);
  }
}

TEST_F(ScenarioComplaints, NodesWithoutLinks) {
  struct Content {
    char const* links;
    char const* where;
    char const* fragment;
  };
  std::string const remedy = "; number the nodes from 0 without gaps";
  for (Content const& c : std::vector<Content>{
           {"1,2,1\n2,3,1\n3,1,1\n", "edges.csv:3: the greatest node is 3",
            "node 0 has no link (1 such node)"},
           {"0,1,1\n1,4,1\n0,3,1\n", "edges.csv:3: the greatest node is 4",
            "node 2 has no link (1 such node)"},
           {"0,1,1\n1,2,1\n2,16777215,1\n", "edges.csv:4: the greatest node is 16777215",
            "node 3 has no link (16777212 such nodes)"},
       }) {
    write("edges.csv", "a,b,latency_ms\n" + std::string(c.links));
    expect_one(std::string(edges_scenario), c.where, c.fragment + remedy);
  }
  auto const inline_links = [](char const* links) {
    return with(edges_scenario, "edges = \"edges.csv\"", "edges_ns = " + std::string(links));
  };
  expect_one(inline_links("[[0, 1, 9],\n[7, 1, 9],\n[1, 2, 9]]"),
             "scenario.toml:3 edges_ns[1]: the greatest node is 7",
             "node 3 has no link (4 such nodes)" + remedy);
  // Ids that are out of range leave gaps themselves, which are not complained of as well.
  expect_one(inline_links("[[0, 1, 9],\n[16777216, 1, 9],\n[3, 1, 9]]"),
             "scenario.toml:3 edges_ns[1]: out of range", "ids are below 16777216");
  EXPECT_THAT(complaints(inline_links("[[3, 0, 9], [1, 2, 9], [4, 5, 9]]")), IsEmpty());
}

TEST_F(ScenarioComplaints, ListedNetworkTakesNoGeometry) {
  write("edges.csv", edges_csv);
  std::string const text(edges_scenario);
  EXPECT_THAT(complaints(text + "[links]\nsurvival = 0.5\n"), IsEmpty());
  for (char const* key : {"seam = \"cut\"", "max_range_km = 5", "rate_bit_s = 1e9", "forwarding_us = 1",
                          "between_shells = \"nearest\"", "between_shells_range_km = 5"}) {
    std::string const name(key, std::string_view(key).find(' '));
    expect_one(text + "[links]\n" + key + "\n", "scenario.toml:16 links." + name + ": has no effect",
               "edges");
  }
  expect_one(text + "[constellation]\nearth = \"wgs84\"\n", "scenario.toml:15 constellation: has no effect",
             "");
  expect_one(with(text, "slots = 2", "slots = 2\nspan_s = 5"), "scenario.toml:5 time.span_s: has no effect",
             "");
  expect_one(text + "ring_shell = 0\n", "scenario.toml:15 placement.ring_shell: has no effect", "");
  expect_one(with(text, "\"rand-place\"", "\"rand-place\", \"spacemoe\""),
             "scenario.toml:14 placement.strategies: spacemoe needs the planes of a shell", "greedy");
  expect_one(with(text, "edges = \"edges.csv\"", ""), "scenario.toml:1 edges: missing", "edges_ns");
  expect_one("edges = \"edges.csv\"\n" + base_and(""), "scenario.toml:1 edges: has no effect",
             "network = \"edges\"");
  expect_one(with(text, "edges = \"edges.csv\"", "edges_ns = [[0, 1]]"),
             "scenario.toml:2 edges_ns: has 1 row", "rows of 3");
  expect_one(with(text, "edges = \"edges.csv\"", "edges_ns = [[0, 1, 0]]"),
             "scenario.toml:2 edges_ns[0]: out of", "at least 1 ns");
  expect_one(with(text, "\"edges\"", "\"graph\""), "scenario.toml:1 network: \"graph\" is not one", "edges");
}

TEST_F(ScenarioComplaints, FilesThatCannotBeRead) {
  EXPECT_THAT(complaints_about(folder() / "none.toml"),
              StartsWith("none.toml: cannot read none.toml: No such file or directory"));
  EXPECT_THAT(complaints_about(folder()), HasSubstr("it is a directory, not a file"));
  expect_one("title = \"x\"\nslots = = 3\n", "scenario.toml:2:9: not valid TOML", "");
  expect_one("title = \"x\"\ntitle = \"y\"\n", "scenario.toml:2:", "not valid TOML");
  expect_one("seed = 9223372036854775808\n", "scenario.toml:1:", "not valid TOML");
  expect_one("title = \"\xff\"\n", "scenario.toml:1:", "not valid TOML");
  expect_one(base_and("[time]\nslots = 3\n"), "scenario.toml:19:", "not valid TOML");
}

TEST_F(ScenarioComplaints, EchoedValuesAreShortAndVisible) {
  std::string const endless(100'000, 'x');
  std::string const cut = std::string(60, 'x') + "...";
  std::string const escape = "a\\u001b[2J";
  std::string const escaped = "\"a\\u001B[2J\"";
  struct Echo {
    std::string text;
    std::string shown;
  };
  for (Echo const& c : std::vector<Echo>{
           {base_with("\"spacemoe\"", '"' + endless + '"'), '"' + cut + "\" is not a strategy"},
           {base_with("\"spacemoe\"", '"' + escape + '"'), escaped + " is not a strategy"},
           {base_with("slots = 2", "slots = \"" + endless + '"'), "not the string \"" + cut + '"'},
           {base_with("slots = 2", "slots = \"" + escape + '"'), "not the string " + escaped},
           {base_with("planes = 6", "planes = 6\npattern = \"" + escape + '"'), escaped + " is not one of"},
           {base_and(endless + " = 1\n"), "placement." + cut + ": unknown key"},
           {base_and('"' + escape + "\" = 1\n"), "placement." + escaped + ": unknown key"},
           {base_and("ring_shell = \"" + endless + "\"\n"), "no shell is called \"" + cut + '"'},
           {base_with("planes = 6", "planes = 6\nname = \"" + endless + '"') + "ring_shell = \"x\"\n",
            "valid are " + cut},
           {base_with("planes = 6", "planes = 6\nname = \"" + escape + '"'),
            "shell[0].name: " + escaped + " holds control"},
           {base_with("top_k = 2", "top_k = 2\nname = \"" + escape + '"'),
            "model.name: " + escaped + " holds control"},
           {base_with("hidden_size = 64", "hidden_size = 64\nfile = \"" + endless + '"'),
            "model.file: \"" + cut + "\" is too long for a file name"},
           {base_with("hidden_size = 64", "hidden_size = 64\nfile = \"" + escape + '"'),
            "model.file: " + escaped + " holds control"},
           {base_with(base_shell, "[constellation]\nwalker = \"" + escape + "\"\n"), "'a\\u001B[2J'"},
       }) {
    std::string const found = complaints(c.text);
    EXPECT_THAT(found, HasSubstr(c.shown));
    EXPECT_LT(found.size(), 500u) << found;
    EXPECT_EQ(std::ranges::count(found, '\x1b'), 0) << found;
  }
  std::string const walker =
      complaints(base_with(base_shell, "[constellation]\nwalker = \"" + endless + "\"\n"));
  EXPECT_LT(walker.size(), 1200u);
  std::string const twice = '"' + escape + "\" = 1\n" + '"' + escape + "\" = 2\n";
  EXPECT_EQ(std::ranges::count(complaints(twice), '\x1b'), 0) << complaints(twice);
  std::string const weights = base_and("[activation]\nweights = \"file\"\nfile = \"w.csv\"\n");
  write("w.csv", "1,2,3,4\n1,2,3," + endless + "\n");
  expect_one(weights, "w.csv:2: column 4: \"" + cut + "\" is not a number", "");
  write("w.csv", "1,2,3,4\n1,2,3,\x1b[2J\n");
  expect_one(weights, "w.csv:2: column 4: \"\\u001B[2J\" is not a number", "");
  write("w.csv", "1,2,3,4\n1,2,3,-" + std::string(300, '9') + "\n");
  expect_one(weights, "w.csv:2: column 4: -" + std::string(59, '9') + "... is out of range", "");
  std::string const json = with(weights, "w.csv", "w.json");
  write("w.json", "[[1, 2, \"" + endless + "\", 4]]");
  expect_one(json, "w.json: row 0, number 2: \"" + cut + "\" is not a number", "");
  write("w.json", "{\"" + endless + "\": 1}");
  expect_one(json, "w.json: unexpected \"" + cut + '"', "");
  write("w.json", "[[1, 2, " + endless + "]]");
  expect_one(json, "w.json:1:9: not valid JSON: syntax error while parsing value - invalid literal; give",
             "");
}

TEST_F(ScenarioComplaints, TitleOfOneLine) {
  EXPECT_THAT(complaints(base_with("title = \"base\"", "title = \"Caf\u00e9 \\\"S\\\" 7 x 8\"")), IsEmpty());
  for (char const* escape : {"\\n", "\\r", "\\t", "\\u0000", "\\u001b", "\\u007f", "\\u0085"}) {
    expect_one(base_with("title = \"base\"", "title = \"ba" + std::string(escape) + "se\""),
               "scenario.toml:1 title: \"ba\\u00", "se\" holds control characters; write it on one line");
  }
  expect_one(base_with("title = \"base\"", "title = \"\"\"\nba\nse\"\"\""),
             "scenario.toml:1 title: \"ba\\u000Ase\" holds control characters", "");
}

TEST_F(ScenarioComplaints, UnknownKeysAndTablesNameTheNearest) {
  expect_one("sead = 1\n" + base_and(""), "scenario.toml:1 sead: unknown key in the top level",
             "the nearest is \"seed\"");
  expect_one(base_and("[link]\nseam = \"cut\"\n"), "scenario.toml:19 link: unknown key",
             "the nearest is \"links\"");
  expect_one(base_with("[time]", "[time]\nslot = 1"), "scenario.toml:8 time.slot: unknown key in [time]",
             "the nearest is \"slots\"; valid are slots, start_s, span_s");
  expect_one(base_and("links = 3\n"), "scenario.toml:19 placement.links: unknown key in [placement]", "");
  expect_one("links = 3\n" + base_and(""), "scenario.toml:1 links: must be a table, not 3", "write [links]");
  expect_one("activation = []\n" + base_and(""), "scenario.toml:1 activation: must be a table, not an array",
             "");
}

TEST_F(ScenarioComplaints, AllAtOnce) {
  std::string const found = complaints(R"(sed = 1
[[shell]]
altitude_km = -1
inclination_deg = 53
planes = 6
satellites_per_plane = 8
[links]
survival = 2
[time]
slots = 0
[model]
moe_layers = 2
experts = 4
top_k = 5
hidden_size = 64
expert_size = 128
[activation]
exponent = 1
[compute]
rate_flop_s = "fast"
[placement]
strategies = ["spacemo", "greedy", "greedy"]
[evaluation]
tokens = 0
)");
  for (char const* where :
       {"scenario.toml:1 sed", "scenario.toml:3 shell[0].altitude_km", "scenario.toml:8 links.survival",
        "scenario.toml:10 time.slots", "scenario.toml:14 model.top_k", "scenario.toml:18 activation.exponent",
        "scenario.toml:20 compute.rate_flop_s", "scenario.toml:22 placement.strategies: \"spacemo\"",
        "scenario.toml:22 placement.strategies: \"greedy\"", "scenario.toml:24 evaluation.tokens"}) {
    EXPECT_THAT(found, HasSubstr(where));
  }
  EXPECT_EQ(std::ranges::count(found, '\n'), 9) << found;
}

TEST_F(ScenarioComplaints, OverridesNameTheOption) {
  ScenarioOverrides wrong;
  wrong.strategies = {"greedy", "spacmoe"};
  wrong.tokens = 0;
  wrong.seed = std::uint64_t{1} << 63;
  std::string const found = complaints(base_scenario, wrong);
  EXPECT_THAT(found, HasSubstr("--strategies: \"spacmoe\" is not a strategy; the nearest is \"spacemoe\""));
  EXPECT_THAT(found, HasSubstr("--tokens: 0 is out of range; give an integer from 1 to"));
  EXPECT_THAT(found, HasSubstr("--seed: 9223372036854775808 is out of range"));
  EXPECT_EQ(std::ranges::count(found, '\n'), 2) << found;
}

}  // namespace
}  // namespace spacemoe::test

#include "host/io/sweep_journal.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/errors.hpp"
#include "host/io/journal_frame.hpp"
#include "tests/io/point_records.hpp"
#include "tests/io/scenario_support.hpp"

namespace spacemoe::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

SweepManifest some_manifest(std::size_t points) {
  return {"seed = 1\n", {"a = 1, 2"}, {}, std::vector<std::string>(points, "0123456789abcdef"), "abc"};
}

std::string content_of(fs::path const& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

template <class Action>
std::string refusal(Action const& action) {
  try {
    action();
    return "";
  } catch (ScenarioError const& error) {
    return error.what();
  }
}

/// Keeps files from growing beyond a size, as a full disk does, while it lives.
class FullDisk {
 public:
  explicit FullDisk(std::uint64_t most_bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit const limit{most_bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FullDisk(FullDisk const&) = delete;
  FullDisk& operator=(FullDisk const&) = delete;
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

/// Another process that holds a journal, until it is killed.
class OtherWriter {
 public:
  OtherWriter(fs::path const& points, SweepManifest const& manifest) {
    std::array<int, 2> ready{};
    EXPECT_EQ(::pipe(ready.data()), 0);
    process_ = ::fork();
    if (process_ == 0) {
      SweepJournal journal(points, "main", manifest);
      journal.append(some_record(1));
      if (::write(ready[1], "!", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char sign = 0;
    EXPECT_EQ(::read(ready[0], &sign, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  OtherWriter(OtherWriter const&) = delete;
  OtherWriter& operator=(OtherWriter const&) = delete;
  ~OtherWriter() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }

 private:
  pid_t process_ = -1;
};

class SweepJournals : public ScenarioFolder {
 protected:
  fs::path const points_ = folder() / "x.h5.points";
  fs::path const file_ = points_ / "main.records";
  SweepManifest const manifest_ = some_manifest(10);

  SweepJournal open() const { return {points_, "main", manifest_}; }
  SweepRecords records() const { return {{points_}, manifest_}; }

  void put(std::string_view content) const {
    fs::create_directories(points_);
    std::ofstream(file_, std::ios::binary) << content;
  }

  /// Opens a journal, adds records of these points; where each ends.
  std::vector<std::uint64_t> journal_of(std::vector<std::uint64_t> const& points) const {
    SweepJournal journal = open();
    std::vector<std::uint64_t> ends{fs::file_size(file_)};
    for (std::uint64_t const point : points) {
      journal.append(some_record(point));
      ends.push_back(fs::file_size(file_));
    }
    return ends;
  }
};

TEST_F(SweepJournals, GiveBackWhatWasAdded) {
  EXPECT_EQ(records().done_count() + records().failed_count() + records().journals().size(), 0u);
  {
    SweepJournal journal = open();
    journal.append(some_record(3));
    journal.append(failed_record(9));
    EXPECT_EQ(journal.file(), file_);
  }
  SweepRecords const found = records();
  EXPECT_EQ(found.done_count(), 1u);
  EXPECT_EQ(found.failed_count(), 1u);
  EXPECT_TRUE(same(found.read(3).value(), some_record(3)));
  EXPECT_TRUE(same(found.read(9).value(), failed_record(9)));
  EXPECT_FALSE(found.read(4));
  EXPECT_TRUE(found.has(9) && found.failed(9) && found.has(3));
  EXPECT_FALSE(found.failed(3) || found.has(4));
  ASSERT_EQ(found.journals().size(), 1u);
  EXPECT_EQ(found.journals()[0].file, file_);
  EXPECT_EQ(found.journals()[0].records, 2u);
  EXPECT_EQ(found.journals()[0].ignored_bytes, 0u);
  EXPECT_FALSE(found.journals()[0].being_written);
}

TEST_F(SweepJournals, GoOnWhenTheyAreOpenedAgain) {
  journal_of({1});
  std::string const before = content_of(file_);
  journal_of({2, 3});
  EXPECT_TRUE(content_of(file_).starts_with(before));
  EXPECT_EQ(records().done_count(), 3u);
  EXPECT_EQ(open().cut_bytes(), 0u);
}

TEST_F(SweepJournals, CutAtAnyByteHoldTheWholeRecordsBefore) {
  std::vector<std::uint64_t> const ends = journal_of({5, 6});
  std::string const whole = content_of(file_);
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    put(std::string_view(whole).substr(0, length));
    std::size_t left = 0;
    while (left < 2 && ends[left + 1] <= length) ++left;
    std::uint64_t const end = length < ends[0] ? 0 : ends[left];
    SweepRecords const found = records();
    ASSERT_EQ(found.done_count(), left) << length;
    ASSERT_EQ(found.journals().at(0).ignored_bytes, length - end);
    ASSERT_TRUE(left < 1 || same(found.read(5).value(), some_record(5)));
    ASSERT_TRUE(left < 2 || same(found.read(6).value(), some_record(6)));
    // Writers wait for the disk, so not all of them can be tried in a moment.
    bool const near_an_end =
        std::ranges::any_of(ends, [&](std::uint64_t e) { return length + 2 >= e && length <= e + 2; });
    if (!near_an_end && length % 16 != 0) continue;
    SweepJournal journal = open();
    ASSERT_EQ(journal.cut_bytes(), length - end);
    ASSERT_EQ(content_of(file_), whole.substr(0, std::max(end, ends[0])));
    journal.append(failed_record(7));
    ASSERT_EQ(records().done_count(), left) << length;
    ASSERT_TRUE(records().failed(7)) << length;
  }
}

TEST_F(SweepJournals, WithADamagedByteHoldTheRecordsBefore) {
  std::vector<std::uint64_t> const ends = journal_of({5, 6});
  std::string const whole = content_of(file_);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x11);
    put(damaged);
    if (at < ends[0]) {
      ASSERT_THAT(refusal([&] { records(); }), HasSubstr("its beginning is damaged")) << at;
      ASSERT_THAT(refusal([&] { open(); }), HasSubstr("its beginning is damaged")) << at;
      ASSERT_EQ(content_of(file_), damaged) << at;
    } else {
      SweepRecords const found = records();
      ASSERT_EQ(found.has(5), at >= ends[1]) << at;
      ASSERT_FALSE(found.has(6)) << at;
      ASSERT_EQ(found.journals().at(0).ignored_bytes, whole.size() - ends[at < ends[1] ? 0 : 1]) << at;
    }
  }
}

// What a file system may leave where the power went: lengths that have arrived, content that has not.
TEST_F(SweepJournals, OverlookZerosThatNeverReachedTheDisk) {
  std::vector<std::uint64_t> const ends = journal_of({5, 6});
  std::string const whole = content_of(file_);
  put(whole + std::string(5000, '\0'));
  EXPECT_EQ(records().done_count(), 2u);
  EXPECT_EQ(open().cut_bytes(), 5000u);
  EXPECT_EQ(content_of(file_), whole);
  put(std::string(ends[0], '\0'));
  EXPECT_EQ(records().done_count(), 0u);
  EXPECT_EQ(open().cut_bytes(), ends[0]);
  EXPECT_EQ(content_of(file_), whole.substr(0, ends[0]));
}

TEST_F(SweepJournals, OfAllFoldersCount) {
  {
    SweepJournal a(points_, "shard-1-of-2", manifest_);
    a.append(failed_record(1, "at first"));
    a.append(failed_record(1, "at last"));
    a.append(some_record(2));
    a.append(failed_record(3));
    SweepJournal b(folder() / "y.h5.points", "main", manifest_);
    b.append(failed_record(2));
    b.append(some_record(3));
  }
  write("x.h5.points/notes.txt", "of no matter");
  SweepRecords const found({points_, folder() / "y.h5.points", folder() / "none"}, manifest_);
  EXPECT_EQ(found.journals().size(), 2u);
  EXPECT_EQ(found.done_count(), 2u);
  EXPECT_EQ(found.failed_count(), 1u);
  EXPECT_EQ(found.read(1).value().failure, "at last");
  EXPECT_FALSE(found.failed(2) || found.failed(3));
  EXPECT_TRUE(same(found.read(2).value(), some_record(2)));
  EXPECT_TRUE(same(found.read(3).value(), some_record(3)));
}

TEST_F(SweepJournals, HaveOneWriter) {
  auto journal = std::make_unique<SweepJournal>(points_, "main", manifest_);
  SweepJournal beside(points_, "shard-1-of-2", manifest_);
  // Readers that come and go take no lock away.
  EXPECT_TRUE(records().journals().at(0).being_written);
  EXPECT_THAT(refusal([&] { open(); }),
              AllOf(HasSubstr(file_.string()), HasSubstr("is being written by another run")));
  EXPECT_THAT(refusal([&] { open(); }), HasSubstr("is being written"));
  journal->append(some_record(0));
  journal.reset();
  EXPECT_FALSE(records().journals().at(0).being_written);
  EXPECT_EQ(refusal([&] { open(); }), "");
  EXPECT_EQ(records().done_count(), 1u);
}

TEST_F(SweepJournals, AreFreeOnceTheirWriterIsKilled) {
  {
    OtherWriter const other(points_, manifest_);
    EXPECT_THAT(refusal([&] { open(); }), HasSubstr("is being written"));
    EXPECT_TRUE(records().journals().at(0).being_written);
    EXPECT_TRUE(records().has(1));
  }
  EXPECT_FALSE(records().journals().at(0).being_written);
  open().append(some_record(2));
  EXPECT_EQ(records().done_count(), 2u);
}

TEST_F(SweepJournals, OutliveAFullDisk) {
  journal_of({5});
  std::string const before = content_of(file_);
  SweepJournal journal = open();
  for (unsigned const room : {0u, 1u, 100u, 300u}) {
    FullDisk const full(before.size() + room);
    EXPECT_THROW(journal.append(some_record(6)), OutputError) << room;
    EXPECT_EQ(content_of(file_), before) << room;
  }
  journal.append(some_record(6));
  EXPECT_EQ(records().done_count(), 2u);
  EXPECT_EQ(records().journals().at(0).ignored_bytes, 0u);
}

TEST_F(SweepJournals, CannotBeginOnAFullDisk) {
  {
    FullDisk const full(50);
    EXPECT_THROW(open(), OutputError);
  }
  EXPECT_EQ(fs::file_size(file_), 0u);
  EXPECT_EQ(records().done_count(), 0u);
  EXPECT_EQ(refusal([&] { open(); }), "");
}

TEST_F(SweepJournals, ThatCannotBeWrittenAreAnOutputError) {
  write("file", "");
  EXPECT_THROW(SweepJournal(folder() / "file", "main", manifest_), OutputError);
  fs::create_directories(points_ / "main.records");
  EXPECT_THROW(open(), OutputError);
}

TEST_F(SweepJournals, OfAnotherSweepAreRefused) {
  journal_of({5});
  std::string const before = content_of(file_);
  SweepManifest other = manifest_;
  other.base = "seed = 2\n";
  auto const words = AllOf(HasSubstr(file_.string() + ": belongs to another sweep: seed was 1, is 2"),
                           HasSubstr("delete the folder " + points_.string()));
  EXPECT_THAT(refusal([&] { SweepJournal(points_, "main", other); }), words);
  EXPECT_THAT(refusal([&] { SweepRecords({points_}, other); }), words);
  other = manifest_;
  other.point_digest[4] = "changed";
  auto const name = [](std::uint64_t point) { return "the one called " + std::to_string(point); };
  EXPECT_THAT(refusal([&] { SweepJournal(points_, "main", other, name); }), HasSubstr("the one called 4"));
  EXPECT_THAT(refusal([&] { SweepRecords({points_}, other, name); }), HasSubstr("the one called 4"));
  EXPECT_EQ(content_of(file_), before);
}

TEST_F(SweepJournals, ThatAreNoneAreRefusedAndLeftAlone) {
  for (std::string const& text : {std::string("not ours"), std::string(100'000, '\0')}) {
    put(text);
    EXPECT_THAT(refusal([&] { open(); }), HasSubstr("holds no records of a sweep"));
    EXPECT_THAT(refusal([&] { records(); }), HasSubstr("holds no records of a sweep"));
    EXPECT_EQ(content_of(file_), text);
  }
}

// Whole frames were written on purpose, if by a program that we do not know.
TEST_F(SweepJournals, WithUnknownRecordsAreRefusedAndLeftAlone) {
  journal_of({5});
  std::string const whole = content_of(file_);
  for (std::string const& payload : {std::string(), std::string("what"), std::string(100'000, '\x81')}) {
    std::string const unknown = whole + frame_of(FrameKind::point, payload);
    put(unknown);
    EXPECT_THAT(refusal([&] { open(); }), HasSubstr("a record that this version of the program cannot read"));
    EXPECT_THAT(refusal([&] { records(); }), HasSubstr("a record that this version"));
    EXPECT_EQ(content_of(file_), unknown);
  }
}

TEST_F(SweepJournals, HoldOnlyPointsOfTheirSweep) {
  EXPECT_THROW(open().append(some_record(10)), std::out_of_range);
  EXPECT_THROW(records().read(10), std::out_of_range);
}

TEST_F(SweepJournals, SayWhenARecordHasGone) {
  std::vector<std::uint64_t> const ends = journal_of({5, 6});
  std::string const whole = content_of(file_);
  SweepRecords const found = records();
  put(std::string_view(whole).substr(0, ends[1]));
  EXPECT_TRUE(found.read(5));
  EXPECT_THAT(refusal([&] { found.read(6); }),
              AllOf(HasSubstr(file_.string()), HasSubstr("point 6 can no longer be read")));
  fs::remove(file_);
  EXPECT_THAT(refusal([&] { found.read(5); }), HasSubstr("cannot be read"));
}

TEST_F(SweepJournals, HoldThousandsOfPoints) {
  constexpr std::uint64_t count = 2000;
  SweepManifest const manifest = some_manifest(count);
  {
    SweepJournal journal(points_, "main", manifest);
    for (std::uint64_t i = 0; i < count; ++i) journal.append(some_record(i * 7 % count));
  }
  SweepRecords const found({points_}, manifest);
  EXPECT_EQ(found.done_count(), count);
  for (std::uint64_t i = 0; i < count; ++i) ASSERT_TRUE(same(found.read(i).value(), some_record(i))) << i;
}

}  // namespace
}  // namespace spacemoe::test

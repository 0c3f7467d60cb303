#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/io/posix_file.hpp"
#include "host/io/sweep_manifest.hpp"
#include "host/sweep/point.hpp"

namespace spacemoe {

/// The durable records of one writer of a sweep, FOLDER/WRITER.records, opened to add to them. Not for
/// several threads at once.
class SweepJournal {
 public:
  /// Begins the journal, and the folder, or goes on with what is there: cuts off what was not written to its
  /// end, keeps everything before. Locks it for as long as this object lives. Throws ScenarioError where
  /// another writer holds it, where it belongs to another sweep (saying in what that differs) or is no
  /// journal; OutputError where it cannot be written.
  SweepJournal(std::filesystem::path const& folder, std::string const& writer, SweepManifest const& manifest,
               PointName const& name = numbered_point);

  /// Adds a record; it is on the disk when this returns. On OutputError the journal is as before, and may be
  /// added to again.
  void append(PointRecord const& record);

  std::filesystem::path const& file() const { return file_.path(); }
  /// Bytes at the end of the journal that opening it cut off, because they were no whole record.
  std::uint64_t cut_bytes() const { return cut_bytes_; }

 private:
  void take_up(SweepManifest const& manifest, PointName const& name);
  void add(std::string const& frame);
  bool cut();

  PosixFile file_;
  std::uint64_t points_;    ///< of the sweep
  std::uint64_t size_ = 0;  ///< up to the end of the last whole frame
  std::uint64_t cut_bytes_ = 0;
  bool untidy_ = false;  ///< whether the file may go on past `size_`
};

/// A journal as it was found.
struct JournalState {
  std::filesystem::path file;
  std::uint64_t records = 0;        ///< whole ones
  std::uint64_t ignored_bytes = 0;  ///< after the last whole record; of a live writer, one on its way
  bool being_written = false;       ///< whether a writer holds it open
};

/// All records of a sweep, from the journals *.records of one or several folders, whoever wrote them. Holds
/// where they lie, not what they say. A snapshot: what is added later is not seen.
class SweepRecords {
 public:
  /// A folder that does not exist holds no journals. Throws ScenarioError where a journal belongs to another
  /// sweep, cannot be read or is none. Where a record is damaged, it and all after it in the same journal are
  /// ignored. Any number of threads may read at once.
  SweepRecords(std::vector<std::filesystem::path> const& folders, SweepManifest const& manifest,
               PointName const& name = numbered_point);

  /// Whether there is a record of the point, done or failed.
  bool has(std::uint64_t point) const;
  bool failed(std::uint64_t point) const;
  /// The record of a point, one of success before any of failure, then the later one; nothing where there is
  /// none. Throws ScenarioError where it can no longer be read.
  std::optional<PointRecord> read(std::uint64_t point) const;

  std::uint64_t done_count() const { return done_; }      ///< points that ran
  std::uint64_t failed_count() const { return failed_; }  ///< points that could not run
  std::vector<JournalState> const& journals() const { return journals_; }

 private:
  /// Where the record of a point lies.
  struct Place {
    std::uint64_t offset = 0;   ///< of its frame; 0 where there is none, since journals begin with a manifest
    std::uint32_t journal = 0;  ///< index into `journals_`
    bool failed = false;
  };

  void add_journal(std::filesystem::path const& file, SweepManifest const& manifest, PointName const& name);

  std::vector<JournalState> journals_;
  std::vector<Place> places_;  ///< [point]
  std::uint64_t done_ = 0;
  std::uint64_t failed_ = 0;
};

}  // namespace spacemoe

#include <algorithm>
#include <system_error>

#include <fcntl.h>

#include "host/errors.hpp"
#include "host/io/journal_frame.hpp"
#include "host/io/journal_scan.hpp"
#include "host/io/point_encoding.hpp"
#include "host/io/sweep_journal.hpp"

namespace spacemoe {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> journals_in(fs::path const& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  fs::directory_iterator entries(folder, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    if (entries->path().extension() == ".records") files.push_back(entries->path());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    throw ScenarioError({folder.string(), "cannot be read: " + error.message(), ""});
  }
  std::ranges::sort(files);
  return files;
}

/// Asks without taking the lock, which would keep out a writer that comes just then.
bool is_locked(PosixFile const& file) {
  struct flock all {};
  all.l_type = F_WRLCK;
  all.l_whence = SEEK_SET;
  return ::fcntl(file.descriptor(), F_OFD_GETLK, &all) == 0 && all.l_type != F_UNLCK;
}

}  // namespace

SweepRecords::SweepRecords(std::vector<fs::path> const& folders, SweepManifest const& manifest,
                           PointName const& name)
    : places_(manifest.point_digest.size()) {
  for (fs::path const& folder : folders) {
    for (fs::path const& file : journals_in(folder)) add_journal(file, manifest, name);
  }
  for (Place const& place : places_) {
    done_ += place.offset > 0 && !place.failed;
    failed_ += place.failed;
  }
}

void SweepRecords::add_journal(fs::path const& path, SweepManifest const& manifest, PointName const& name) {
  auto const journal = static_cast<std::uint32_t>(journals_.size());
  PosixFile const file = open_to_read(path);
  JournalState state{path, 0, 0, is_locked(file)};
  auto const keep = [&](PointRecord const& record, std::uint64_t offset) {
    ++state.records;
    Place& place = places_[record.point];
    bool const ran = place.offset > 0 && !place.failed;
    if (!ran || !record.failed()) place = {offset, journal, record.failed()};
  };
  auto const extent = scan_journal(file, manifest, name, keep);
  state.ignored_bytes = extent.size - extent.whole;
  journals_.push_back(state);
}

bool SweepRecords::has(std::uint64_t point) const {
  return places_.at(point).offset > 0;
}

bool SweepRecords::failed(std::uint64_t point) const {
  return places_.at(point).failed;
}

std::optional<PointRecord> SweepRecords::read(std::uint64_t point) const {
  Place const& place = places_.at(point);
  if (place.offset == 0) return std::nullopt;
  PosixFile const file = open_to_read(journals_[place.journal].file);
  auto const payload = read_frame(file, FrameKind::point, place.offset, file.size());
  auto record = payload ? decoded_point(*payload) : std::nullopt;
  if (!record || record->point != point) {
    throw ScenarioError({file.path().string(),
                         "the record of point " + std::to_string(point) + " can no longer be read",
                         "run the sweep again to go on from what is left"});
  }
  return record;
}

}  // namespace spacemoe

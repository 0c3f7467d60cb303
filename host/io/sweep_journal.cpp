#include "host/io/sweep_journal.hpp"

#include <cerrno>
#include <span>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/errors.hpp"
#include "host/io/journal_frame.hpp"
#include "host/io/journal_scan.hpp"
#include "host/io/point_encoding.hpp"

namespace spacemoe {
namespace {

namespace fs = std::filesystem;

/// Opens or creates a file in a folder, which is made where it is missing.
PosixFile open_to_add(fs::path const& folder, std::string const& name) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail_to_write(folder, error.value());
  flush_name(folder);
  PosixFile file(folder / name, O_RDWR | O_CREAT | O_CLOEXEC);
  if (!file.is_open()) fail_to_write(file.path(), errno);
  return file;
}

/// Locks the file for this open description of it, which no other opening of it shares. Locks of the process
/// (F_SETLK) would go as soon as the process closes any other descriptor of the file, such as a reader's.
void lock(PosixFile const& file) {
  struct flock all {};
  all.l_type = F_WRLCK;
  all.l_whence = SEEK_SET;
  if (::fcntl(file.descriptor(), F_OFD_SETLK, &all) == 0) return;
  if (errno == EAGAIN || errno == EACCES) {
    throw ScenarioError({file.path().string(), "is being written by another run of this sweep",
                         "wait until it ends, or stop it first"});
  }
  throw OutputError("cannot lock " + file.path().string() + ": " + std::generic_category().message(errno) +
                    "; write to a file system that has locks");
}

/// Whether the file went between its opening and its locking: its last writer was done, and took it away.
bool is_removed(PosixFile const& file) {
  struct stat status {};
  return ::fstat(file.descriptor(), &status) == 0 && status.st_nlink == 0;
}

}  // namespace

SweepJournal::SweepJournal(fs::path const& folder, std::string const& writer, SweepManifest const& manifest,
                           PointName const& name)
    : file_(open_to_add(folder, writer + ".records")), points_(manifest.point_digest.size()) {
  lock(file_);
  if (is_removed(file_)) throw OutputError(file().string() + " was removed while it was opened; try again");
  take_up(manifest, name);
  flush_name(file());
}

void SweepJournal::take_up(SweepManifest const& manifest, PointName const& name) {
  auto const extent = scan_journal(file_, manifest, name, [](PointRecord const&, std::uint64_t) {});
  size_ = extent.whole;
  cut_bytes_ = extent.size - extent.whole;
  untidy_ = cut_bytes_ > 0;
  if (untidy_ && !cut()) fail_to_write(file(), errno);
  if (size_ == 0) add(frame_of(FrameKind::manifest, manifest_text(manifest)));
}

void SweepJournal::append(PointRecord const& record) {
  if (record.point >= points_) throw std::out_of_range("the sweep has no such point");
  add(frame_of(FrameKind::point, encoded(record)));
}

void SweepJournal::add(std::string const& frame) {
  if (untidy_ && !cut()) fail_to_write(file(), errno);
  untidy_ = true;
  if (!file_.write_at(size_, std::as_bytes(std::span(frame))) || ::fdatasync(file_.descriptor()) != 0) {
    int const error = errno;
    cut();  // where that fails too, the next call tries again
    fail_to_write(file(), error);
  }
  untidy_ = false;
  size_ += frame.size();
}

/// Takes the file back to its last whole frame; false, with errno set, where that fails.
bool SweepJournal::cut() {
  untidy_ = ::ftruncate(file_.descriptor(), static_cast<off_t>(size_)) != 0;
  return !untidy_;
}

}  // namespace spacemoe

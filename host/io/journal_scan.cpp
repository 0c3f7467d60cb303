#include "host/io/journal_scan.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "host/errors.hpp"
#include "host/io/journal_frame.hpp"
#include "host/io/point_encoding.hpp"

namespace spacemoe {
namespace {

/// Whether a file is what is left of writing `frame` to an empty one when the power went: its beginning, with
/// zeros where nothing reached the disk.
bool is_beginning_of(PosixFile const& file, std::uint64_t size, std::string const& frame) {
  if (size > frame.size()) return false;
  std::string content(size, '\0');
  return file.read_at(0, std::as_writable_bytes(std::span(content))) &&
         std::ranges::equal(content, std::string_view(frame).substr(0, size),
                            [](char got, char wanted) { return got == wanted || got == '\0'; });
}

void refuse_other_sweep(std::string const& found, SweepManifest const& wanted,
                        std::filesystem::path const& file, PointName const& name) {
  auto complaints = manifest_differences(parse_manifest(found, file.string()), wanted, file.string(), name);
  if (complaints.empty()) return;
  complaints.back().remedy =
      "go on with the sweep as it began, write to another file, or delete the folder " +
      file.parent_path().string() + " to begin afresh";
  throw ScenarioError(std::move(complaints));
}

/// The end of the manifest, which is as wanted; 0 where it is not yet all there.
std::uint64_t check_manifest(PosixFile const& file, std::uint64_t size, SweepManifest const& manifest,
                             PointName const& name) {
  std::string const wanted = manifest_text(manifest);
  auto const found = read_frame(file, FrameKind::manifest, 0, size);
  if (found) {
    if (*found != wanted) refuse_other_sweep(*found, manifest, file.path(), name);
    return frame_size(*found);
  }
  if (is_beginning_of(file, size, frame_of(FrameKind::manifest, wanted))) return 0;
  throw ScenarioError({file.path().string(), "holds no records of a sweep, or its beginning is damaged",
                       "move it out of the way"});
}

/// The record in a payload. One that is whole and yet no record of this sweep was written so: no reason to
/// drop it and what follows.
PointRecord record_in(std::string_view payload, PosixFile const& file, SweepManifest const& manifest) {
  auto record = decoded_point(payload);
  if (record && record->point < manifest.point_digest.size()) return *std::move(record);
  throw ScenarioError({file.path().string(), "holds a record that this version of the program cannot read",
                       "move it out of the way"});
}

}  // namespace

JournalExtent scan_journal(PosixFile const& file, SweepManifest const& manifest, PointName const& name,
                           std::function<void(PointRecord const&, std::uint64_t)> const& visit) {
  std::uint64_t const size = file.size();
  std::uint64_t whole = check_manifest(file, size, manifest, name);
  while (whole > 0) {
    auto const payload = read_frame(file, FrameKind::point, whole, size);
    if (!payload) break;
    visit(record_in(*payload, file, manifest), whole);
    whole += frame_size(*payload);
  }
  return {whole, size};
}

}  // namespace spacemoe

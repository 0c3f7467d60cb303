#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace spacemoe {

/// Throws OutputError: `file` cannot be written, for the reason that `error` (an errno) names.
[[noreturn]] void fail_to_write(std::filesystem::path const& file, int error);

/// Makes the name of a file or folder last through a power cut; some file systems cannot, and then it is
/// still complete where it lasts.
void flush_name(std::filesystem::path const& path);

/// A file that is open, until the end of this object.
class PosixFile {
 public:
  /// Opens a file with the flags of open(2); not open, with errno set, where that fails.
  PosixFile(std::filesystem::path path, int flags);
  PosixFile(PosixFile&& other) noexcept;
  PosixFile& operator=(PosixFile&&) = delete;
  ~PosixFile() { close(); }

  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  std::filesystem::path const& path() const { return path_; }

  /// Size in bytes. Throws ScenarioError where the file cannot be asked.
  std::uint64_t size() const;
  /// Reads into all of `content` from `offset` on; false where the file ends before. Throws ScenarioError
  /// where it cannot be read.
  bool read_at(std::uint64_t offset, std::span<std::byte> content) const;
  /// Writes all of `content` from `offset` on; false, with errno set, where that fails part of the way.
  bool write_at(std::uint64_t offset, std::span<std::byte const> content);
  /// False, with errno set, where what was written is lost.
  bool close();

 private:
  std::filesystem::path path_;
  int descriptor_;
};

/// Opens a file to read it. Throws ScenarioError.
PosixFile open_to_read(std::filesystem::path const& file);

}  // namespace spacemoe

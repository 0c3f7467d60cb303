#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>

#include <unistd.h>

namespace spacemoe {

/// An open file, closed at the end.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor() {
    if (number_ >= 0) ::close(number_);
  }

  bool is_open() const { return number_ >= 0; }
  int number() const { return number_; }
  /// The number, which the caller closes.
  int release() { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

/// Throws OutputError: `file` cannot be written, for the reason that `error` (an errno) names.
[[noreturn]] void fail_to_write(std::filesystem::path const& file, int error);

/// Writes all of `content` from `offset` on; false, with errno set, where that fails part of the way.
bool write_at(FileDescriptor const& file, std::span<std::byte const> content, std::uint64_t offset);

/// Reads into all of `content` from `offset` on; false where the file ends before, or fails with errno set.
bool read_at(FileDescriptor const& file, std::span<std::byte> content, std::uint64_t offset);

/// Makes names in a folder last through a power cut; some file systems cannot, and then files are still
/// complete.
void flush_folder(std::filesystem::path const& folder);

}  // namespace spacemoe

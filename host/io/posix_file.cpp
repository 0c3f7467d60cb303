#include "host/io/posix_file.hpp"

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/errors.hpp"

namespace spacemoe {
namespace {

[[noreturn]] void fail_to_read(std::filesystem::path const& file, int error) {
  throw ScenarioError({file.string(), "cannot be read: " + std::generic_category().message(error), ""});
}

}  // namespace

void fail_to_write(std::filesystem::path const& file, int error) {
  throw OutputError("cannot write " + file.string() + ": " + std::generic_category().message(error));
}

void flush_name(std::filesystem::path const& path) {
  PosixFile const folder(path.has_parent_path() ? path.parent_path() : ".",
                         O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder.is_open()) ::fsync(folder.descriptor());
}

PosixFile::PosixFile(std::filesystem::path path, int flags)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), flags, 0666)) {}

PosixFile::PosixFile(PosixFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

std::uint64_t PosixFile::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) fail_to_read(path_, errno);
  return static_cast<std::uint64_t>(status.st_size);
}

bool PosixFile::read_at(std::uint64_t offset, std::span<std::byte> content) const {
  while (!content.empty()) {
    ssize_t const got = ::pread(descriptor_, content.data(), content.size(), static_cast<off_t>(offset));
    if (got == 0) return false;
    if (got < 0 && errno != EINTR) fail_to_read(path_, errno);
    if (got < 0) continue;
    content = content.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return true;
}

bool PosixFile::write_at(std::uint64_t offset, std::span<std::byte const> content) {
  while (!content.empty()) {
    ssize_t const written = ::pwrite(descriptor_, content.data(), content.size(), static_cast<off_t>(offset));
    if (written < 0 && errno != EINTR) return false;
    if (written < 0) continue;
    content = content.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return true;
}

bool PosixFile::close() {
  return !is_open() || ::close(std::exchange(descriptor_, -1)) == 0;
}

PosixFile open_to_read(std::filesystem::path const& file) {
  PosixFile opened(file, O_RDONLY | O_CLOEXEC);
  if (!opened.is_open()) fail_to_read(file, errno);
  return opened;
}

}  // namespace spacemoe

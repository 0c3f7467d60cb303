#include "host/io/posix_file.hpp"

#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>

#include "host/errors.hpp"

namespace spacemoe {

void fail_to_write(std::filesystem::path const& file, int error) {
  throw OutputError("cannot write " + file.string() + ": " + std::generic_category().message(error));
}

bool write_at(FileDescriptor const& file, std::span<std::byte const> content, std::uint64_t offset) {
  while (!content.empty()) {
    ssize_t const written =
        ::pwrite(file.number(), content.data(), content.size(), static_cast<off_t>(offset));
    if (written < 0 && errno != EINTR) return false;
    if (written <= 0) continue;
    content = content.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return true;
}

bool read_at(FileDescriptor const& file, std::span<std::byte> content, std::uint64_t offset) {
  while (!content.empty()) {
    ssize_t const got = ::pread(file.number(), content.data(), content.size(), static_cast<off_t>(offset));
    if (got == 0 || (got < 0 && errno != EINTR)) return false;
    if (got < 0) continue;
    content = content.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return true;
}

void flush_folder(std::filesystem::path const& folder) {
  FileDescriptor const descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.is_open()) ::fsync(descriptor.number());
}

}  // namespace spacemoe

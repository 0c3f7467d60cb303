#include "host/io/output_file.hpp"

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "host/errors.hpp"

namespace spacemoe {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(fs::path const& file, int error) {
  throw OutputError("cannot write " + file.string() + ": " + std::generic_category().message(error));
}

/// The file itself where `file` is a link to it, so that the link survives.
fs::path target_of(fs::path const& file) {
  std::error_code error;
  fs::file_status const status = fs::status(file, error);
  if (!fs::exists(status)) return file;
  if (!fs::is_regular_file(status)) {
    throw OutputError("cannot write " + file.string() + ": it exists and is not a regular file");
  }
  fs::path const target = fs::canonical(file, error);
  return error ? file : target;
}

/// A new file beside the target, removed again unless it is published.
class PartialFile {
 public:
  explicit PartialFile(fs::path target) : target_(std::move(target)) {
    name_ = target_;
    name_ += '.' + std::to_string(::getpid()) + ".partial";
    ::unlink(name_.c_str());  // of a process that was killed and had the same number
    descriptor_ = ::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail(target_, errno);
  }
  PartialFile(PartialFile const&) = delete;
  PartialFile& operator=(PartialFile const&) = delete;
  ~PartialFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!published_) ::unlink(name_.c_str());
  }

  void write(std::span<std::byte const> content) {
    while (!content.empty()) {
      ssize_t const written = ::write(descriptor_, content.data(), content.size());
      if (written >= 0) {
        content = content.subspan(static_cast<std::size_t>(written));
      } else if (errno != EINTR) {
        fail(target_, errno);
      }
    }
  }

  void publish() {
    if (::fsync(descriptor_) != 0) fail(target_, errno);
    if (::close(std::exchange(descriptor_, -1)) != 0) fail(target_, errno);
    if (::rename(name_.c_str(), target_.c_str()) != 0) fail(target_, errno);
    published_ = true;
  }

 private:
  fs::path target_;
  fs::path name_;
  int descriptor_ = -1;
  bool published_ = false;
};

/// Makes a rename last through a power cut; some file systems cannot, and then the file is still complete.
void flush_folder(fs::path const& folder) {
  int const descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

void write_output(fs::path const& file, std::span<std::byte const> content) {
  fs::path const target = target_of(file);
  PartialFile partial(target);
  partial.write(content);
  partial.publish();
  flush_folder(target.has_parent_path() ? target.parent_path() : ".");
}

}  // namespace spacemoe

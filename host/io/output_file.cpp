#include "host/io/output_file.hpp"

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "host/errors.hpp"
#include "host/io/posix_file.hpp"

namespace spacemoe {
namespace {

namespace fs = std::filesystem;

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
  explicit PartialFile(fs::path target)
      : target_(std::move(target)), file_(fresh_name(target_), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC) {
    if (!file_.is_open()) fail_to_write(target_, errno);
  }
  PartialFile(PartialFile const&) = delete;
  PartialFile& operator=(PartialFile const&) = delete;
  ~PartialFile() {
    if (!published_) ::unlink(file_.path().c_str());
  }

  void write(std::span<std::byte const> content) {
    if (!file_.write_at(0, content)) fail_to_write(target_, errno);
  }

  void publish() {
    if (::fsync(file_.descriptor()) != 0) fail_to_write(target_, errno);
    if (!file_.close()) fail_to_write(target_, errno);
    if (::rename(file_.path().c_str(), target_.c_str()) != 0) fail_to_write(target_, errno);
    published_ = true;
  }

 private:
  static fs::path fresh_name(fs::path name) {
    name += '.' + std::to_string(::getpid()) + ".partial";
    ::unlink(name.c_str());  // of a process that was killed and had the same number
    return name;
  }

  fs::path target_;
  PosixFile file_;
  bool published_ = false;
};

}  // namespace

void write_output(fs::path const& file, std::span<std::byte const> content) {
  fs::path const target = target_of(file);
  PartialFile partial(target);
  partial.write(content);
  partial.publish();
  flush_name(target);
}

void remove_leftovers(fs::path const& file) {
  fs::path const target = target_of(file);
  std::string const name = target.filename().string() + ".";
  std::error_code ignored;
  for (auto const& entry :
       fs::directory_iterator(target.has_parent_path() ? target.parent_path() : ".", ignored)) {
    std::string const other = entry.path().filename().string();
    if (other.starts_with(name) && other.ends_with(".partial")) fs::remove(entry.path(), ignored);
  }
}

}  // namespace spacemoe

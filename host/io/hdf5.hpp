#pragma once

#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include <hdf5.h>

namespace spacemoe::hdf5 {

/// A call into HDF5 that failed; the message is the library's own innermost reason.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Keeps the library from printing its error stack; failures arrive as Error instead.
void silence();

/// Throws Error with the library's reason for its last failure.
[[noreturn]] void fail();

/// The result of a call that returns an identifier, a size or a status. Throws Error when it is negative.
template <std::signed_integral T>
T check(T result) {
  if (result < 0) fail();
  return result;
}

/// Owns an identifier and closes it.
template <herr_t (*close)(hid_t)>
class Handle {
 public:
  /// Throws Error when the call that made `id` failed.
  explicit Handle(hid_t id) : id_(check(id)) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (id_ >= 0) close(id_);
  }

  operator hid_t() const { return id_; }  // NOLINT: stands for the identifier in every call

 private:
  hid_t id_;
};

using File = Handle<&H5Fclose>;
using Dataset = Handle<&H5Dclose>;
using Attribute = Handle<&H5Aclose>;
using Dataspace = Handle<&H5Sclose>;
using Datatype = Handle<&H5Tclose>;
using Object = Handle<&H5Oclose>;
using PropertyList = Handle<&H5Pclose>;

/// UTF-8 of variable length.
Datatype string_type();

/// The HDF5 type of a number in memory.
template <class T>
hid_t number_type();
template <>
hid_t number_type<double>();
template <>
hid_t number_type<std::uint32_t>();
template <>
hid_t number_type<std::uint64_t>();

}  // namespace spacemoe::hdf5

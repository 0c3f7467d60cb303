#include "host/io/hdf5.hpp"

namespace spacemoe::hdf5 {
namespace {

std::string innermost_reason() {
  std::string reason;
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned depth, H5E_error2_t const* entry, void* out) -> herr_t {
        if (depth == 0 && entry->desc != nullptr) *static_cast<std::string*>(out) = entry->desc;
        return 0;
      },
      &reason);
  return reason.empty() ? "HDF5 gave no reason" : reason;
}

}  // namespace

void silence() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

void fail() {
  throw Error(innermost_reason());
}

Datatype string_type() {
  Datatype type(H5Tcopy(H5T_C_S1));
  check(H5Tset_size(type, H5T_VARIABLE));
  check(H5Tset_cset(type, H5T_CSET_UTF8));
  return type;
}

template <>
hid_t number_type<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
hid_t number_type<std::uint32_t>() {
  return H5T_NATIVE_UINT32;
}
template <>
hid_t number_type<std::uint64_t>() {
  return H5T_NATIVE_UINT64;
}

}  // namespace spacemoe::hdf5

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <openssl/types.h>

namespace spacemoe {

using Sha256Bytes = std::array<std::byte, 32>;

/// SHA-256 over a sequence of numbers, texts and byte strings; each goes in with its length, so that no two
/// sequences run into one another.
class Sha256 {
 public:
  Sha256();

  void add(std::uint64_t number);
  void add(std::string_view bytes);
  /// Adds bytes alone, without their length.
  void add_plain(std::string_view bytes);

  Sha256Bytes bytes();

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

/// SHA-256 of some bytes.
Sha256Bytes sha256(std::string_view bytes);

std::string hexadecimal(Sha256Bytes const& bytes);

}  // namespace spacemoe

#include "host/io/journal_frame.hpp"

#include <array>
#include <span>

#include "host/io/sha256.hpp"

namespace spacemoe {
namespace {

constexpr std::size_t head_bytes = 16;
constexpr std::size_t hash_bytes = std::tuple_size_v<Sha256Bytes>;
/// Lengths beyond are damage, not memory to ask for.
constexpr std::uint64_t most_payload_bytes = 1u << 30;

std::string head(FrameKind kind, std::uint64_t length) {
  std::string text = kind == FrameKind::manifest ? "\x89sweep1\n" : "\x89point1\n";
  for (unsigned i = 0; i < 8; ++i) text += static_cast<char>(length >> (8 * i));
  return text;
}

std::string_view text_of(Sha256Bytes const& bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

std::uint64_t length_in(std::string_view head) {
  std::uint64_t length = 0;
  for (unsigned i = 0; i < 8; ++i) {
    length |= std::uint64_t{static_cast<unsigned char>(head[8 + i])} << (8 * i);
  }
  return length;
}

}  // namespace

std::string frame_of(FrameKind kind, std::string_view payload) {
  std::string frame = head(kind, payload.size());
  frame += payload;
  frame += text_of(sha256(payload));
  return frame;
}

std::optional<std::string> read_frame(PosixFile const& file, FrameKind kind, std::uint64_t offset,
                                      std::uint64_t size) {
  if (size < offset || size - offset < head_bytes + hash_bytes) return std::nullopt;
  std::uint64_t const room = size - offset - head_bytes - hash_bytes;
  std::string start(head_bytes, '\0');
  if (!file.read_at(offset, std::as_writable_bytes(std::span(start)))) return std::nullopt;
  std::uint64_t const length = length_in(start);
  if (start != head(kind, length) || length > room || length > most_payload_bytes) return std::nullopt;
  std::string payload(length + hash_bytes, '\0');
  if (!file.read_at(offset + head_bytes, std::as_writable_bytes(std::span(payload)))) return std::nullopt;
  std::string const hash = payload.substr(length);
  payload.resize(length);
  if (hash != text_of(sha256(payload))) return std::nullopt;
  return payload;
}

std::uint64_t frame_size(std::string_view payload) {
  return head_bytes + payload.size() + hash_bytes;
}

}  // namespace spacemoe

#if Server
    import NIOCore
    import NIOHTTP1

    /// An answer that is being written, in portions that a client takes one after the other.
    ///
    /// A written part is dropped, and its memory is released.
    final class OutgoingAnswer {
        /// Whether the connection ends after the answer.
        let closes: Bool
        private let status: Int
        private var headers: HTTPHeaders
        private let byteCount: Int
        private let memory: MemoryReservation?
        private var parts: [[UInt8]]
        /// The position of the next portion: the part, and the offset in it.
        private var place = (part: 0, offset: 0)
        private var isBegun = false

        /// The bytes of a portion, which is written to the connection at once.
        static let portionByteCount = 32 << 10

        init(_ answer: HTTPAnswer, closes: Bool) {
            self.closes = closes
            (status, headers, memory) = (answer.status, answer.headers, answer.memory)
            (parts, byteCount) = (answer.parts, answer.byteCount)
            dropWrittenParts()
        }

        /// Returns the head on the first call.
        func takeHead(_ date: HTTPDate) -> HTTPResponseHead? {
            guard !isBegun else { return nil }
            isBegun = true
            headers.add(name: "content-length", value: String(byteCount))
            headers.add(name: "date", value: date.text)
            if closes { headers.add(name: "connection", value: "close") }
            return HTTPResponseHead(
                version: .http1_1, status: HTTPResponseStatus(statusCode: status),
                headers: headers)
        }

        /// Whether the whole body was taken.
        var isDone: Bool { place.part == parts.count }

        /// Returns the next portion of the body; `nil` at the end.
        func takePortion() -> ByteBuffer? {
            guard !isDone else { return nil }
            let end = min(parts[place.part].count, place.offset + Self.portionByteCount)
            let portion = ByteBuffer(bytes: parts[place.part][place.offset..<end])
            place.offset = end
            dropWrittenParts()
            return portion
        }

        /// Drops the parts that are completely written.
        private func dropWrittenParts() {
            while place.part < parts.count, place.offset == parts[place.part].count {
                memory?.shrink(by: parts[place.part].count)
                parts[place.part] = []
                place = (place.part + 1, 0)
            }
        }
    }
#endif

#if Server
    import NIOCore
    import NIOHTTP1

    /// An answer while it is written, in portions that a client takes one after the other.
    ///
    /// A part that was written is let go of, and its memory is released.
    final class OutgoingAnswer {
        /// Whether the connection ends with it.
        let closes: Bool
        private let status: Int
        private let headers: HTTPHeaders
        private let byteCount: Int
        private let memory: MemoryReservation?
        private var parts: [[UInt8]]
        /// Where the next portion begins: in which part, and where in it.
        private var place = (part: 0, offset: 0)
        private var isBegun = false

        /// So much is handed to the connection at a time.
        static let portionByteCount = 32 << 10

        init(_ answer: HTTPAnswer, closes: Bool) {
            self.closes = closes
            (status, headers, memory) = (answer.status, answer.headers, answer.memory)
            (parts, byteCount) = (answer.parts, answer.byteCount)
            dropWrittenParts()
        }

        /// The head, the first time.
        func takeHead(_ date: HTTPDate) -> HTTPResponseHead? {
            guard !isBegun else { return nil }
            isBegun = true
            var headers = headers
            headers.add(name: "content-length", value: "\(byteCount)")
            headers.add(name: "date", value: date.text)
            if closes { headers.add(name: "connection", value: "close") }
            return HTTPResponseHead(
                version: .http1_1, status: HTTPResponseStatus(statusCode: status),
                headers: headers)
        }

        /// Whether all of the body was taken.
        var isDone: Bool { place.part == parts.count }

        /// Takes the next portion of the body; `nil` at the end.
        func takePortion() -> ByteBuffer? {
            guard !isDone else { return nil }
            let end = min(parts[place.part].count, place.offset + Self.portionByteCount)
            let portion = ByteBuffer(bytes: parts[place.part][place.offset..<end])
            place.offset = end
            dropWrittenParts()
            return portion
        }

        /// Lets go of the parts of which all is written.
        private func dropWrittenParts() {
            while place.part < parts.count, place.offset == parts[place.part].count {
                memory?.shrink(by: parts[place.part].count)
                parts[place.part] = []
                place = (place.part + 1, 0)
            }
        }
    }
#endif

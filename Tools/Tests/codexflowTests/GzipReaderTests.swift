import CodexCore
import Foundation
import Testing

@testable import codexflow

/// The reading of gzip data that is whole, damaged, cut off, or followed by other data.
@Suite("codexflow, gzip")
struct GzipReaderTests {
    private let directory: CommandTests.Directory
    private var path: String { directory.path + "/items.gz" }

    init() throws { directory = try CommandTests.Directory() }

    /// What was read before the end, and the code and message of the error at the end.
    private struct Reading {
        var bytes: [UInt8] = []
        var code: CodexError.Code?
        var message = ""

        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// A gzip member with the text.
    private func member(_ text: String) throws -> Data {
        let file = directory.path + "/member"
        let writer = try GzipWriter(file, compresses: true)
        if !text.isEmpty { try writer.write(text) }
        try writer.finish()
        return try Data(contentsOf: URL(fileURLWithPath: file))
    }

    private func joined(_ parts: Data...) -> Data { parts.reduce(into: Data()) { $0.append($1) } }

    private func read(_ data: Data, from path: String? = nil) throws -> Reading {
        let path = path ?? self.path
        try data.write(to: URL(fileURLWithPath: path))
        var reading = Reading()
        let reader = try GzipReader(path)
        do throws(CodexError) {
            while try reader.read(appendingTo: &reading.bytes) {}
            // The end stays the end.
            let hasMore = try reader.read(appendingTo: &reading.bytes)
            #expect(!hasMore)
        } catch {
            reading.code = error.code
            reading.message = error.message
        }
        return reading
    }

    @Test("Members are read one after the other, with zeros after each of them")
    func sound() throws {
        let (one, empty, two) = (try member("one\n"), try member(""), try member("two\n"))
        let zeros = Data(count: 700)
        let cases: [(data: Data, text: String)] = [
            (one, "one\n"), (joined(one, two), "one\ntwo\n"), (empty, ""),
            (joined(empty, one), "one\n"), (joined(one, empty, two), "one\ntwo\n"),
            (joined(one, zeros), "one\n"), (joined(one, Data(count: 1)), "one\n"),
            (joined(one, zeros, two), "one\ntwo\n"),
            (joined(one, zeros, two, zeros), "one\ntwo\n"),
            (Data("plain\n".utf8), "plain\n"), (Data("p".utf8), "p"),
        ]
        for (data, text) in cases {
            let reading = try read(data)
            #expect(reading.text == text && reading.code == nil, "\(reading.message)")
        }
    }

    @Test("Data that is larger than the buffers is read whole, wherever its members end")
    func large() throws {
        // Digits of a random sequence hardly compress; the second text does.
        var number: UInt64 = 1
        let noise = (0..<120_000).map { _ in
            number = number &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return String(number, radix: 36)
        }
        let texts = [
            noise.joined(), String(repeating: "0123456789abcdef", count: 200_000), "end\n",
        ]
        let members = try texts.map { try member($0) }
        #expect(members[0].count > 1 << 19 && members[1].count < 1 << 17)
        for order in [[0], [1], [0, 1, 2], [1, 2, 0], [2, 0, 2, 1]] {
            let data = order.reduce(into: Data()) { $0.append(members[$1]) }
            let reading = try read(data)
            #expect(reading.code == nil)
            #expect(reading.text == order.map { texts[$0] }.joined(), "\(order)")
        }
    }

    @Test("Data that is cut off at any byte ends early")
    func cut() throws {
        let (one, two) = (try member("one\n"), try member("two\n"))
        for count in 1..<one.count {
            let reading = try read(one.prefix(count))
            #expect(reading.code == .corrupted, "\(count) bytes")
            #expect(reading.message.hasPrefix("\(path) ends early"), "\(reading.message)")
        }
        for count in 1..<two.count {
            let reading = try read(joined(one, two.prefix(count)))
            #expect(reading.code == .corrupted && reading.text.hasPrefix("one\n"), "\(count)")
            #expect(reading.message.hasPrefix("\(path) ends early"), "\(reading.message)")
        }
    }

    @Test("An empty file is no gzip file")
    func empty() throws {
        let reading = try read(Data())
        #expect(reading.code == .corrupted)
        #expect(reading.message.hasPrefix("\(path) is empty"), "\(reading.message)")
        #expect(try read(Data(), from: directory.path + "/items.json").code == nil)
    }

    @Test("A flipped bit of the method, the data, the checksum or the length is damage")
    func flipped() throws {
        let (one, two) = (try member("one\n"), try member("two\n"))
        // The bytes between the method and the data are flags, a time and a system.
        for place in [2] + Array(10..<two.count) {
            var damaged = two
            // zlib ignores the high bits of the last byte of the data.
            damaged[place] ^= 0x01
            for data in [damaged, joined(one, damaged)] {
                let reading = try read(data)
                #expect(reading.code == .corrupted, "byte \(place)")
            }
        }
    }

    @Test("Other data after a member is damage, and what came before it is read")
    func followed() throws {
        let one = try member("one\n")
        var renamed = one
        renamed[0] ^= 0x01
        let cases: [(rest: Data, reason: String)] = [
            (Data("two\n".utf8), "other data follows"), (renamed, "other data follows"),
            (Data("\n".utf8), "other data follows"), (Data([0xFF]), "other data follows"),
            (joined(Data(count: 9), Data("x".utf8)), "other data follows"),
            (Data([0x1F, 0x00]), "not sound"), (Data([0x1F]), "ends early"),
        ]
        for (rest, reason) in cases {
            let reading = try read(joined(one, rest))
            #expect(reading.code == .corrupted && reading.text == "one\n")
            #expect(reading.message.contains(reason), "\(reading.message)")
        }
    }

    @Test("A missing file, and a folder, are errors of reading")
    func unreadable() throws {
        do throws(CodexError) {
            _ = try GzipReader(directory.path + "/missing")
            Issue.record("A missing file was opened.")
        } catch {
            #expect(error.code == .notFound)
        }
        var bytes: [UInt8] = []
        let folder = try GzipReader(directory.path)
        do throws(CodexError) {
            _ = try folder.read(appendingTo: &bytes)
            Issue.record("A folder was read.")
        } catch {
            #expect(error.code == .inputOutput)
        }
    }
}

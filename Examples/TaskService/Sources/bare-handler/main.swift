import Foundation
import Hummingbird
import Logging

// The baseline of `make bench-service`: a handler that answers with the bytes of a file, and does
// nothing else.

let arguments = CommandLine.arguments
guard arguments.count == 3, let port = Int(arguments[1]) else {
    print("bare-handler PORT FILE")
    exit(2)
}
let bytes = ByteBuffer(bytes: try Data(contentsOf: URL(fileURLWithPath: arguments[2])))
let router = Router()
router.get("tasks/:key") { _, _ in
    Response(
        status: .ok, headers: [.contentType: "application/json; charset=utf-8"],
        body: ResponseBody(byteBuffer: bytes))
}
var logger = Logger(label: "bare-handler")
logger.logLevel = .notice
let application = Application(
    router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)),
    onServerRunning: { channel in
        print("listening on port \(channel.localAddress?.port ?? 0)")
        fflush(nil)
    }, logger: logger)
try await application.runService()

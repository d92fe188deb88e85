import Codex
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The form of every answer: `success`, `data` or `error`, and `meta`.
enum Envelope {
    /// An answer with data.
    static func response(
        _ data: AttributeValue, _ context: RequestState, status: HTTPResponse.Status = .ok,
        meta: [String: AttributeValue?] = [:]
    ) -> Response {
        make("data", data, context, status, meta)
    }

    /// A page of a list, with the token of the next page.
    static func list(
        _ views: [AttributeValue], _ next: PageToken?, _ context: RequestState
    ) -> Response {
        response(
            .list(views), context,
            meta: [
                "count": views.count.attributeValue, "next": next.map { .string($0.description) },
            ])
    }

    /// An answer that reports an error.
    static func response(_ failure: Failure, _ context: RequestState) -> Response {
        var error: AttributeMap = [
            "code": .string(failure.code), "message": .string(failure.message),
        ]
        error["rule"] = failure.rule.map { .string($0) }
        if !failure.fields.isEmpty {
            error["fields"] = .list(
                failure.fields.map { ["path": .string($0.path), "message": .string($0.message)] })
        }
        var response = make("error", .map(error), context, failure.status)
        for (name, value) in failure.headers { response.headers[name] = value }
        return response
    }

    private static func make(
        _ name: String, _ value: AttributeValue, _ context: RequestState,
        _ status: HTTPResponse.Status, _ further: [String: AttributeValue?] = [:]
    ) -> Response {
        var meta: AttributeMap = [
            "requestId": .string(context.id), "timestamp": .string(Timestamp.text(Date())),
        ]
        for (name, value) in further { meta[name] = value }
        let members = AttributeMap([
            (name, value), ("meta", .map(meta)), ("success", .bool(name == "data")),
        ])
        let text = DynamoDBJSON.plainText(members)
        return Response(
            status: status, headers: [.contentType: "application/json; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

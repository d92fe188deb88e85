import Foundation

/// A chart of grouped bars as SVG: a group for each label, a bar for each series.
struct BarChart {
    struct Series {
        let name: String
        let values: [Double]
    }

    let title: String
    let unit: String
    let labels: [String]
    let series: [Series]
    /// Whether each step upwards is ten times as much.
    var isLogarithmic = false

    private static let colors = ["#2f6fde", "#e07b39", "#7a7f87", "#3a9d6b"]
    private static let (width, height) = (760.0, 320.0)
    private static let plot = (left: 70.0, top: 48.0, right: 20.0, bottom: 40.0)

    /// The document.
    var svg: String {
        let (width, height, plot) = (Self.width, Self.height, Self.plot)
        var parts = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(width)) \(Int(height))" \
            font-family="sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="white"/>
            """,
            label(title + " (" + unit + ")", plot.left, 20, anchor: "start", size: 15),
        ]
        for value in marks {
            let y = position(value)
            parts.append(
                #"<line x1="\#(plot.left)" x2="\#(width - plot.right)" y1="\#(y)" y2="\#(y)" "#
                    + ##"stroke="#dddddd"/>"##)
            parts.append(label(short(value), plot.left - 6, y + 4, anchor: "end"))
        }
        let group = (width - plot.left - plot.right) / Double(max(1, labels.count))
        let bar = group * 0.8 / Double(max(1, series.count))
        for (index, name) in labels.enumerated() {
            let start = plot.left + group * (Double(index) + 0.1)
            for (number, series) in series.enumerated() where index < series.values.count {
                let y = position(series.values[index])
                let x = start + bar * Double(number)
                parts.append(
                    #"<rect x="\#(x)" y="\#(y)" width="\#(bar - 2)" "#
                        + #"height="\#(max(0, height - plot.bottom - y))" "#
                        + #"fill="\#(Self.colors[number % Self.colors.count])">"#
                        + "<title>\(series.name), \(name): \(short(series.values[index]))</title>"
                        + "</rect>")
            }
            parts.append(
                label(name, start + group * 0.4, height - plot.bottom + 16, anchor: "middle"))
        }
        for (number, series) in series.enumerated() {
            let x = plot.left + Double(number) * 150
            parts.append(
                #"<rect x="\#(x)" y="28" width="12" height="12" "#
                    + #"fill="\#(Self.colors[number % Self.colors.count])"/>"#)
            parts.append(label(series.name, x + 18, 38, anchor: "start"))
        }
        return (parts + ["</svg>", ""]).joined(separator: "\n")
    }

    private var values: [Double] { series.flatMap(\.values).filter { $0 > 0 } }
    private var top: Double { values.max() ?? 1 }

    /// The value at the foot of the bars.
    private var floor: Double {
        isLogarithmic ? pow(10, (log10(values.min() ?? 1) - 0.01).rounded(.down)) : 0
    }

    /// The values with a line across the chart.
    private var marks: [Double] {
        guard !isLogarithmic else {
            let (first, last) = (Int(log10(floor)), Int(log10(top)))
            return first <= last ? (first...last).map { pow(10, Double($0)) } : []
        }
        let step = pow(10, log10(top).rounded(.down)) / 2
        return Array(stride(from: 0, through: top, by: step))
    }

    private func position(_ value: Double) -> Double {
        let share =
            isLogarithmic
            ? (log10(max(value, floor)) - log10(floor)) / max(0.1, log10(top) - log10(floor))
            : value / top
        let room = Self.height - Self.plot.top - Self.plot.bottom
        return ((Self.height - Self.plot.bottom - share * room) * 10).rounded() / 10
    }

    private func short(_ value: Double) -> String {
        value >= 1000 ? String(format: "%.4gk", value / 1000) : String(format: "%.4g", value)
    }

    private func label(
        _ text: String, _ x: Double, _ y: Double, anchor: String, size: Int = 12
    ) -> String {
        let safe = text.replacingOccurrences(of: "&", with: "&amp;")
            .replacingOccurrences(of: "<", with: "&lt;")
        return #"<text x="\#(x)" y="\#(y)" text-anchor="\#(anchor)" font-size="\#(size)" "#
            + ##"fill="#333333">"## + safe + "</text>"
    }

    func write(to path: String) throws {
        try Data(svg.utf8).write(to: URL(fileURLWithPath: path))
    }
}

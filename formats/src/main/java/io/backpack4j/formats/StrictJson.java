// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import io.backpack4j.spi.BackpackException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads a JSON object as maps, lists, {@link Long}, {@link Double}, {@link Boolean}, {@link String} and null. Keys must
 * be unique, numbers must fit their types, nesting is limited, and nothing but white space may follow.
 */
final class StrictJson {

    private static final int MAX_DEPTH = 32;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxNumberLength(400)
                    .build())
            .build();

    private static final Pattern FOR_PROGRAMMERS = Pattern.compile(
            "( \\(code [^)]*\\)|, from `[^`]*`|: enable `.*| \\((for|start marker at) .*)", Pattern.DOTALL);

    private final String file;
    private final String part;

    private StrictJson(String file, String part) {
        this.file = file;
        this.part = part;
    }

    /**
     * Reads UTF-8.
     *
     * @param part what is read, for messages: empty, or such as {@code header}
     */
    static Map<String, @Nullable Object> object(ByteBuffer utf8, String file, String part) {
        StrictJson json = new StrictJson(file, part);
        try {
            // A decoder of its own reports what is malformed; the default replaces it.
            return json.object(StandardCharsets.UTF_8.newDecoder().decode(utf8));
        } catch (CharacterCodingException e) {
            throw Failures.invalid(file, "is not UTF-8%s.".formatted(part.isEmpty() ? "" : " in its " + part));
        }
    }

    static Map<String, @Nullable Object> object(String text, String file) {
        return new StrictJson(file, "")
                .object(CharBuffer.wrap(TextFile.withoutMark(text).toCharArray()));
    }

    private Map<String, @Nullable Object> object(CharBuffer text) {
        try (JsonParser parser =
                FACTORY.createParser(text.array(), text.arrayOffset() + text.position(), text.remaining())) {
            return readDocument(parser);
        } catch (IOException e) {
            throw Failures.unreadable(file, e);
        }
    }

    private Map<String, @Nullable Object> readDocument(JsonParser parser) throws IOException {
        try {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw invalid(parser, "A JSON object is expected.");
            }
            Map<String, @Nullable Object> object = readObject(parser);
            if (parser.nextToken() != null) {
                throw invalid(parser, "Something follows the JSON object.");
            }
            return object;
        } catch (JsonProcessingException e) {
            throw invalid(parser.currentLocation(), sentence(e.getOriginalMessage()));
        }
    }

    private Map<String, @Nullable Object> readObject(JsonParser parser) throws IOException {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            if (object.containsKey(key)) {
                throw invalid(parser, "The key " + Failures.quoted(key) + " is given twice.");
            }
            parser.nextToken();
            object.put(key, readValue(parser));
        }
        return object;
    }

    private List<@Nullable Object> readList(JsonParser parser) throws IOException {
        List<@Nullable Object> list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            list.add(readValue(parser));
        }
        return list;
    }

    private @Nullable Object readValue(JsonParser parser) throws IOException {
        return switch (parser.currentToken()) {
            case START_OBJECT -> readObject(parser);
            case START_ARRAY -> readList(parser);
            case VALUE_STRING -> parser.getText();
            case VALUE_NUMBER_INT -> readInteger(parser);
            case VALUE_NUMBER_FLOAT -> readNumber(parser);
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_NULL -> null;
            default -> throw invalid(parser, "A value is expected.");
        };
    }

    private Long readInteger(JsonParser parser) throws IOException {
        if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
            throw invalid(parser, "The integer " + parser.getText() + " does not fit into 64 bits.");
        }
        return parser.getLongValue();
    }

    private Double readNumber(JsonParser parser) throws IOException {
        double value = parser.getDoubleValue();
        if (!Double.isFinite(value)) {
            throw invalid(parser, "The number " + parser.getText() + " is too large.");
        }
        return value;
    }

    private BackpackException invalid(JsonParser parser, String what) {
        return invalid(parser.currentTokenLocation(), what);
    }

    private BackpackException invalid(JsonLocation location, String what) {
        return Failures.invalid(
                file,
                "is not valid JSON at line %d, column %d%s. %s"
                        .formatted(
                                location.getLineNr(),
                                Math.max(1, location.getColumnNr()),
                                part.isEmpty() ? "" : " of its " + part,
                                what));
    }

    /** The parser's message without its hints to programmers. */
    private static String sentence(String message) {
        if (message.startsWith("Unexpected end-of-input")) {
            return "The text ends too early: it is cut short, or a bracket is not closed.";
        }
        String text = FOR_PROGRAMMERS.matcher(message).replaceAll("");
        return text.endsWith(".") ? text : text + ".";
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.BackpackException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads lists of extensions with options, such as {@code KFAC(mc_samples=10),Variance(parameters=[0.*],as=x)}. An
 * option's value may be such a call itself, {@code schedule=linear(interval=2)}. White space between words does not
 * matter.
 */
public final class ExtensionExpressions {

    private static final int MAX_DEPTH = 16;
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_.-]*");
    private static final Pattern VALUE = Pattern.compile("[A-Za-z0-9_.*?/+-]+");
    private static final Pattern INTEGER = Pattern.compile("[+-]?[0-9]+");
    private static final Pattern NUMBER = Pattern.compile("[+-]?([0-9]+\\.[0-9]+|\\.[0-9]+|[0-9]+)([eE][+-]?[0-9]+)?");

    private final String text;
    private int position;

    private ExtensionExpressions(String text) {
        this.text = text;
    }

    /**
     * Reads a list of at least one extension.
     *
     * @throws BackpackException if the text is not such a list, with the position of what is wrong
     */
    public static List<ExtensionExpression> parse(String text) {
        return new ExtensionExpressions(text).readAll();
    }

    private List<ExtensionExpression> readAll() {
        List<ExtensionExpression> expressions = new ArrayList<>();
        do {
            expressions.add(readExpression());
        } while (take(','));
        if (position < text.length()) {
            throw expected("',' or the end");
        }
        return List.copyOf(expressions);
    }

    private ExtensionExpression readExpression() {
        return readOptions(read(NAME, "an extension such as KFAC"), 0);
    }

    private ExtensionExpression readOptions(String type, int depth) {
        Map<String, Object> options = new LinkedHashMap<>();
        if (take('(') && !take(')')) {
            if (depth == MAX_DEPTH) {
                throw failure("calls are nested more than %d deep".formatted(MAX_DEPTH), position - 1);
            }
            do {
                readOption(options, depth);
            } while (take(','));
            if (!take(')')) {
                throw expected("',' or ')'");
            }
        }
        return new ExtensionExpression(type, options);
    }

    private void readOption(Map<String, Object> options, int depth) {
        String name = read(NAME, "the name of an option");
        if (options.containsKey(name)) {
            throw failure("the option %s is given twice".formatted(Failures.quoted(name)), position - name.length());
        }
        if (!take('=')) {
            throw expected("'='");
        }
        options.put(name, readValue(depth));
    }

    private Object readValue(int depth) {
        if (!take('[')) {
            String word = read(VALUE, "a value: a number, a word or a [list]");
            return next('(') && NAME.matcher(word).matches() ? readOptions(word, depth + 1) : convert(word);
        }
        if (depth == MAX_DEPTH) {
            throw failure("lists are nested more than %d deep".formatted(MAX_DEPTH), position - 1);
        }
        List<Object> list = new ArrayList<>();
        if (!take(']')) {
            do {
                list.add(readValue(depth + 1));
            } while (take(','));
            if (!take(']')) {
                throw expected("',' or ']'");
            }
        }
        return List.copyOf(list);
    }

    private Object convert(String word) {
        if (word.equals("true") || word.equals("false")) {
            return Boolean.valueOf(word);
        }
        try {
            if (INTEGER.matcher(word).matches()) {
                return Long.valueOf(word);
            }
        } catch (NumberFormatException e) {
            throw failure("%s does not fit into 64 bits".formatted(Failures.quoted(word)), position - word.length());
        }
        if (!NUMBER.matcher(word).matches()) {
            return word;
        }
        double number = Double.parseDouble(word);
        if (Double.isInfinite(number)) {
            throw failure("%s is too large".formatted(Failures.quoted(word)), position - word.length());
        }
        return number;
    }

    private String read(Pattern pattern, String what) {
        skipSpace();
        Matcher matcher = pattern.matcher(text).region(position, text.length());
        if (!matcher.lookingAt()) {
            throw expected(what);
        }
        position = matcher.end();
        return matcher.group();
    }

    private boolean take(char wanted) {
        if (next(wanted)) {
            position++;
            return true;
        }
        return false;
    }

    private boolean next(char wanted) {
        skipSpace();
        return position < text.length() && text.charAt(position) == wanted;
    }

    private void skipSpace() {
        while (position < text.length() && Character.isWhitespace(text.charAt(position))) {
            position++;
        }
    }

    private BackpackException expected(String what) {
        String found = position < text.length() ? Failures.quoted(String.valueOf(text.charAt(position))) : "the end";
        return failure("%s is expected, not %s".formatted(what, found), position);
    }

    private BackpackException failure(String what, int at) {
        return new BackpackException(
                FormatProblems.INVALID_EXTENSIONS,
                "Extensions %s cannot be read: at character %d, %s. Write them like KFAC(mc_samples=10),BatchGrad."
                        .formatted(Failures.quoted(text), at + 1, what));
    }
}

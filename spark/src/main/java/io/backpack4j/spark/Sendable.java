// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.spi.BackpackException;
import java.io.Serializable;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A value taken apart so that serializers of Java and Kryo can send it: requests, options and descriptions of models
 * are records, none of them serializable. Classes are named, and looked up where the value is put together again.
 */
final class Sendable implements Serializable {

    private static final long serialVersionUID = 1L;

    private enum Kind {
        PLAIN,
        ENUM,
        RECORD,
        LIST,
        SET,
        MAP,
        OPTIONAL,
        OPTIONAL_LONG,
        OPTIONAL_INT
    }

    private final Kind kind;
    private final String type;
    private final @Nullable Object plain;
    private final ArrayList<Sendable> parts;

    private Sendable(Kind kind, String type, @Nullable Object plain, List<Sendable> parts) {
        this.kind = kind;
        this.type = type;
        this.plain = plain;
        this.parts = new ArrayList<>(parts);
    }

    /**
     * Takes a value apart.
     *
     * @throws BackpackException if it is made of something else than records, enums, collections and plain values
     */
    static Sendable of(@Nullable Object value) {
        if (value == null
                || value instanceof Number
                || value instanceof String
                || value instanceof Boolean
                || value instanceof Character) {
            return new Sendable(Kind.PLAIN, "", value, List.of());
        }
        if (value instanceof Enum<?> constant) {
            return new Sendable(Kind.ENUM, constant.getDeclaringClass().getName(), constant.name(), List.of());
        }
        if (value instanceof Optional<?> optional) {
            return new Sendable(Kind.OPTIONAL, "", null, all(optional.stream().toList()));
        }
        if (value instanceof OptionalLong optional) {
            return new Sendable(
                    Kind.OPTIONAL_LONG, "", null, all(optional.stream().boxed().toList()));
        }
        if (value instanceof OptionalInt optional) {
            return new Sendable(
                    Kind.OPTIONAL_INT, "", null, all(optional.stream().boxed().toList()));
        }
        if (value instanceof List<?> list) {
            return new Sendable(Kind.LIST, "", null, all(list));
        }
        if (value instanceof Set<?> set) {
            return new Sendable(Kind.SET, "", null, all(set));
        }
        if (value instanceof Map<?, ?> map) {
            List<Sendable> entries = new ArrayList<>();
            map.forEach((key, entry) -> {
                entries.add(of(key));
                entries.add(of(entry));
            });
            return new Sendable(Kind.MAP, "", null, entries);
        }
        if (value instanceof Record) {
            return ofRecord(value);
        }
        throw new BackpackException(
                SparkProblems.NOT_SENDABLE,
                "%s of class %s cannot be sent to executors. Make it a record of numbers, words, flags, lists and other such records."
                        .formatted(value, value.getClass().getName()));
    }

    private static List<Sendable> all(Iterable<?> values) {
        List<Sendable> parts = new ArrayList<>();
        values.forEach(value -> parts.add(of(value)));
        return parts;
    }

    private static Sendable ofRecord(Object value) {
        List<Sendable> components = new ArrayList<>();
        for (RecordComponent component : value.getClass().getRecordComponents()) {
            try {
                Method accessor = component.getAccessor();
                accessor.setAccessible(true);
                components.add(of(accessor.invoke(value)));
            } catch (ReflectiveOperationException e) {
                throw unreadable(value.getClass().getName(), e);
            }
        }
        return new Sendable(Kind.RECORD, value.getClass().getName(), null, components);
    }

    /**
     * Puts the value together.
     *
     * @param loader where its classes are
     * @throws BackpackException if a class is not there
     */
    @Nullable
    Object value(ClassLoader loader) {
        return switch (kind) {
            case PLAIN -> plain;
            case ENUM -> constant(loader);
            case RECORD -> record(loader);
            case LIST -> Collections.unmodifiableList(values(loader));
            case SET -> Collections.unmodifiableSet(new LinkedHashSet<>(values(loader)));
            case MAP -> map(loader);
            case OPTIONAL -> values(loader).stream().findFirst();
            case OPTIONAL_LONG ->
                parts.isEmpty()
                        ? OptionalLong.empty()
                        : OptionalLong.of((Long) values(loader).get(0));
            case OPTIONAL_INT ->
                parts.isEmpty()
                        ? OptionalInt.empty()
                        : OptionalInt.of((Integer) values(loader).get(0));
        };
    }

    private List<@Nullable Object> values(ClassLoader loader) {
        List<@Nullable Object> values = new ArrayList<>();
        parts.forEach(part -> values.add(part.value(loader)));
        return values;
    }

    private Map<@Nullable Object, @Nullable Object> map(ClassLoader loader) {
        Map<@Nullable Object, @Nullable Object> map = new LinkedHashMap<>();
        for (int i = 0; i < parts.size(); i += 2) {
            map.put(parts.get(i).value(loader), parts.get(i + 1).value(loader));
        }
        return Collections.unmodifiableMap(map);
    }

    private Object constant(ClassLoader loader) {
        for (Object constant : load(loader).getEnumConstants()) {
            if (((Enum<?>) constant).name().equals(plain)) {
                return constant;
            }
        }
        throw unreadable(type, new ClassNotFoundException("constant " + plain));
    }

    private Object record(ClassLoader loader) {
        Class<?> loaded = load(loader);
        RecordComponent[] components = loaded.getRecordComponents();
        Class<?>[] types = new Class<?>[components.length];
        for (int i = 0; i < types.length; i++) {
            types[i] = components[i].getType();
        }
        try {
            Constructor<?> constructor = loaded.getDeclaredConstructor(types);
            constructor.setAccessible(true);
            return constructor.newInstance(values(loader).toArray());
        } catch (InvocationTargetException e) {
            throw e.getCause() instanceof BackpackException known ? known : unreadable(type, e);
        } catch (ReflectiveOperationException e) {
            throw unreadable(type, e);
        }
    }

    private Class<?> load(ClassLoader loader) {
        try {
            return Class.forName(type, true, loader);
        } catch (ClassNotFoundException e) {
            throw unreadable(type, e);
        }
    }

    private static BackpackException unreadable(String type, Exception cause) {
        return new BackpackException(
                SparkProblems.NOT_SENDABLE,
                "%s cannot be made on an executor: %s. Name its jar with --jars, the same version as the driver has."
                        .formatted(type, cause),
                cause);
    }
}

// What Java cannot do itself: memory with guards, kernels by their addresses, matrix products.
#include <dlfcn.h>
#include <jni.h>

#include <cstdlib>
#include <cstring>
#include <algorithm>
#include <vector>

#define METHOD(type, name) extern "C" JNIEXPORT type JNICALL Java_io_backpack4j_backend_cuda_HostBridge_##name

static const jlong GUARD = 256;
static const unsigned char FRESH = 0xFF;  // NaN in both types

METHOD(jlong, allocate)(JNIEnv*, jclass, jlong bytes) {
    // As CUDA does, 256 bytes apart.
    char* memory = (char*)std::aligned_alloc(GUARD, (size_t)((bytes + 3 * GUARD - 1) / GUARD * GUARD));
    std::memset(memory, FRESH, (size_t)(bytes + 2 * GUARD));
    return (jlong)(memory + GUARD);
}

// Whether what lies before and behind is untouched.
METHOD(jboolean, intact)(JNIEnv*, jclass, jlong address, jlong bytes) {
    const unsigned char* memory = (const unsigned char*)address;
    static const std::vector<unsigned char> guard((size_t)GUARD, FRESH);
    bool before = std::memcmp(memory - GUARD, guard.data(), guard.size()) == 0;
    bool behind = std::memcmp(memory + bytes, guard.data(), guard.size()) == 0;
    return before && behind;
}

METHOD(void, free)(JNIEnv*, jclass, jlong address) {
    std::free((char*)address - GUARD);
}

METHOD(void, copy)(JNIEnv*, jclass, jlong target, jlong source, jlong bytes) {
    std::memmove((void*)target, (const void*)source, (size_t)bytes);
}

METHOD(void, clear)(JNIEnv*, jclass, jlong target, jlong bytes) {
    std::memset((void*)target, 0, (size_t)bytes);
}

METHOD(jlong, addressOf)(JNIEnv* env, jclass, jobject buffer) {
    return (jlong)env->GetDirectBufferAddress(buffer);
}

METHOD(jlong, open)(JNIEnv* env, jclass, jstring file) {
    const char* path = env->GetStringUTFChars(file, nullptr);
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    env->ReleaseStringUTFChars(file, path);
    return (jlong)library;
}

METHOD(void, close)(JNIEnv*, jclass, jlong library) {
    dlclose((void*)library);
}

METHOD(jlong, symbol)(JNIEnv* env, jclass, jlong library, jstring name) {
    const char* text = env->GetStringUTFChars(name, nullptr);
    void* symbol = dlsym((void*)library, text);
    env->ReleaseStringUTFChars(name, text);
    return (jlong)symbol;
}

METHOD(jlong, call)(JNIEnv*, jclass, jlong function) {
    return (jlong)((unsigned long (*)())function)();
}

METHOD(void, run)
(JNIEnv* env, jclass, jlong function, jlongArray words, jint blocks, jint threads, jboolean backwards) {
    std::vector<jlong> copy((size_t)env->GetArrayLength(words));
    env->GetLongArrayRegion(words, 0, (jsize)copy.size(), copy.data());
    ((void (*)(const void*, unsigned, unsigned, bool))function)(
        copy.data(), (unsigned)blocks, (unsigned)threads, backwards == JNI_TRUE);
}

// C = alpha · op(A) · op(B) + beta · C, column-major; sums in double precision.
template <typename T>
static void multiply(const jlong* s, double alpha, double beta) {
    jlong m = s[0], n = s[1], k = s[2], batch = s[12];
    std::vector<double> column((size_t)m);
    for (jlong b = 0; b < batch; b++) {
        const T* left = (const T*)s[3] + b * s[5];
        const T* right = (const T*)s[6] + b * s[8];
        T* out = (T*)s[9] + b * s[11];
        for (jlong j = 0; j < n; j++) {
            std::fill(column.begin(), column.end(), 0.0);
            for (jlong l = 0; l < k; l++) {
                double y = right[s[14] ? l * s[7] + j : j * s[7] + l];
                if (s[13]) {
                    for (jlong i = 0; i < m; i++) {
                        column[(size_t)i] += left[i * s[4] + l] * y;
                    }
                } else {
                    const T* values = left + l * s[4];
                    for (jlong i = 0; i < m; i++) {
                        column[(size_t)i] += values[i] * y;
                    }
                }
            }
            for (jlong i = 0; i < m; i++) {
                T* target = out + j * s[10] + i;
                *target = (T)(alpha * column[(size_t)i] + (beta == 0 ? 0 : beta * *target));
            }
        }
    }
}

METHOD(void, multiply)(JNIEnv* env, jclass, jboolean single, jlongArray sizes, jdouble alpha, jdouble beta) {
    jlong s[15];
    env->GetLongArrayRegion(sizes, 0, 15, s);
    if (single) {
        multiply<float>(s, alpha, beta);
    } else {
        multiply<double>(s, alpha, beta);
    }
}

// op(A) · X = B for X, which overwrites B; A upper triangular, column-major.
template <typename T>
static void solve(jlong rows, jlong columns, bool transposed, const T* a, T* b) {
    for (jlong c = 0; c < columns; c++) {
        T* x = b + c * rows;
        for (jlong step = 0; step < rows; step++) {
            jlong i = transposed ? step : rows - 1 - step;
            double sum = x[i];
            for (jlong j = transposed ? 0 : i + 1; j < (transposed ? i : rows); j++) {
                sum -= (double)(transposed ? a[i * rows + j] : a[j * rows + i]) * x[j];
            }
            x[i] = (T)(sum / a[i * rows + i]);
        }
    }
}

METHOD(void, solve)
(JNIEnv*, jclass, jboolean single, jlong rows, jlong columns, jboolean transposed, jlong a, jlong b) {
    if (single) {
        solve(rows, columns, transposed == JNI_TRUE, (const float*)a, (float*)b);
    } else {
        solve(rows, columns, transposed == JNI_TRUE, (const double*)a, (double*)b);
    }
}

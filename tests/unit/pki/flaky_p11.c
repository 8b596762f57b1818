/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS#11 module in front of SoftHSM whose token can be pulled out while a session is open, and that counts log-ons.
 *
 * In the folder $FLAKY_P11: a file "gone" means that the token is not there (slots without it, CKR_DEVICE_REMOVED for
 * everything else); "gone-at-sign" lets everything go well but the signature itself; "final" makes the token say that
 * one try of the PIN is left. Each C_Login adds a line to "logins".
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#define BEHIND "/usr/lib/softhsm/libsofthsm2.so"

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list);

static CK_FUNCTION_LIST *
behind(void)
{
	void *so = dlopen(BEHIND, RTLD_NOW);
	CK_C_GetFunctionList get = NULL;
	CK_FUNCTION_LIST *list = NULL;

	if (so != NULL)
		*(void **)&get = dlsym(so, "C_GetFunctionList");
	if (get == NULL || get(&list) != CKR_OK)
		abort();
	dlclose(so); /* others hold it */
	return list;
}

static bool
is(const char *what)
{
	const char *dir = getenv("FLAKY_P11");
	char path[512];

	if (dir == NULL)
		return false;
	snprintf(path, sizeof(path), "%s/%s", dir, what);
	return access(path, F_OK) == 0;
}

static CK_RV
get_slot_list(CK_BBOOL present, CK_SLOT_ID_PTR slots, CK_ULONG_PTR n)
{
	if (is("gone")) {
		*n = 0;
		return CKR_OK;
	}
	return behind()->C_GetSlotList(present, slots, n);
}

static CK_RV
get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)
{
	CK_RV rv = is("gone") ? CKR_TOKEN_NOT_PRESENT : behind()->C_GetTokenInfo(slot, info);

	if (rv == CKR_OK && is("final"))
		info->flags |= CKF_USER_PIN_FINAL_TRY;
	return rv;
}

static CK_RV
login(CK_SESSION_HANDLE s, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG n)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/logins", getenv("FLAKY_P11"));
	f = fopen(path, "a");
	if (f == NULL)
		abort();
	fputs("login\n", f);
	fclose(f);
	return is("gone") ? CKR_DEVICE_REMOVED : behind()->C_Login(s, user, pin, n);
}

static CK_RV
open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify, CK_SESSION_HANDLE_PTR s)
{
	return is("gone") ? CKR_TOKEN_NOT_PRESENT :
			    behind()->C_OpenSession(slot, flags, app, notify, s);
}

static CK_RV
get_session_info(CK_SESSION_HANDLE s, CK_SESSION_INFO_PTR info)
{
	return is("gone") ? CKR_DEVICE_REMOVED : behind()->C_GetSessionInfo(s, info);
}

static CK_RV
find_objects_init(CK_SESSION_HANDLE s, CK_ATTRIBUTE_PTR at, CK_ULONG n)
{
	return is("gone") ? CKR_DEVICE_REMOVED : behind()->C_FindObjectsInit(s, at, n);
}

static CK_RV
sign_init(CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE key)
{
	return is("gone") ? CKR_DEVICE_REMOVED : behind()->C_SignInit(s, m, key);
}

static CK_RV
sign(CK_SESSION_HANDLE s, CK_BYTE_PTR in, CK_ULONG nin, CK_BYTE_PTR out, CK_ULONG_PTR nout)
{
	CK_RV rv = behind()->C_Sign(s, in, nin, out, nout);

	return is("gone") || is("gone-at-sign") ? CKR_DEVICE_REMOVED : rv;
}

static CK_RV
generate_key_pair(CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_ATTRIBUTE_PTR pub, CK_ULONG npub,
    CK_ATTRIBUTE_PTR priv, CK_ULONG npriv, CK_OBJECT_HANDLE_PTR hpub, CK_OBJECT_HANDLE_PTR hpriv)
{
	if (is("gone"))
		return CKR_DEVICE_REMOVED;
	return behind()->C_GenerateKeyPair(s, m, pub, npub, priv, npriv, hpub, hpriv);
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
	static CK_FUNCTION_LIST mine;

	/* Not closed again: the functions of the copy are its. */
	if (dlopen(BEHIND, RTLD_NOW) == NULL)
		return CKR_GENERAL_ERROR;
	mine = *behind();
	mine.C_GetFunctionList = C_GetFunctionList;
	mine.C_GetSlotList = get_slot_list;
	mine.C_GetTokenInfo = get_token_info;
	mine.C_Login = login;
	mine.C_OpenSession = open_session;
	mine.C_GetSessionInfo = get_session_info;
	mine.C_FindObjectsInit = find_objects_init;
	mine.C_SignInit = sign_init;
	mine.C_Sign = sign;
	mine.C_GenerateKeyPair = generate_key_pair;
	*list = &mine;
	return CKR_OK;
}

/** Letters by language. What stands in braces is filled in. */
export const LETTERS = {
  en: {
    greeting: 'Hello {name},',
    end: 'Vesta, {tenant}',
    invitation: {
      subject: 'Your account at {tenant}',
      text: 'an account was made for you. Open this address within {hours} hours and choose a password:\n\n{link}',
    },
    reset: {
      subject: 'Set a new password for {tenant}',
      text: 'somebody, probably you, asked for a new password. Open this address within {hours} hours to set one:\n\n{link}\n\nIf it was not you, do nothing: your password stays as it is.',
    },
    'password-changed': {
      subject: 'Your password for {tenant} was changed',
      text: 'your password was changed and other logins were ended. If it was not you, tell your administrator at once.',
    },
    'recovery-used': {
      subject: 'A recovery code was used at {tenant}',
      text: 'one of your recovery codes was used to log in; {left} are left. If it was not you, change your password at once and tell your administrator.',
    },
    emergency: {
      subject: 'A record was opened in an emergency at {tenant}',
      text: '{who} has opened the record of {record} in an emergency, until {until}. The reason that was given stands in a Communication in the record. Please look whether it was right.',
    },
  },
  es: {
    greeting: 'Hola, {name}:',
    end: 'Vesta, {tenant}',
    invitation: {
      subject: 'Su cuenta en {tenant}',
      text: 'se ha creado una cuenta para usted. Abra esta dirección en las próximas {hours} horas y elija una contraseña:\n\n{link}',
    },
    reset: {
      subject: 'Nueva contraseña para {tenant}',
      text: 'alguien, probablemente usted, ha pedido una contraseña nueva. Abra esta dirección en las próximas {hours} horas para elegirla:\n\n{link}\n\nSi no fue usted, no haga nada: su contraseña no cambia.',
    },
    'password-changed': {
      subject: 'Se ha cambiado su contraseña de {tenant}',
      text: 'su contraseña se ha cambiado y las demás sesiones se han cerrado. Si no fue usted, avise enseguida a su administrador.',
    },
    'recovery-used': {
      subject: 'Se ha usado un código de recuperación en {tenant}',
      text: 'se ha usado uno de sus códigos de recuperación para iniciar sesión; quedan {left}. Si no fue usted, cambie su contraseña enseguida y avise a su administrador.',
    },
    emergency: {
      subject: 'Se ha abierto una historia por una emergencia en {tenant}',
      text: '{who} ha abierto la historia de {record} por una emergencia, hasta {until}. El motivo indicado está en una Communication de la historia. Compruebe, por favor, si fue correcto.',
    },
  },
  ur: {
    greeting: 'السلام علیکم {name}،',
    end: 'Vesta، {tenant}',
    invitation: {
      subject: '{tenant} میں آپ کا اکاؤنٹ',
      text: 'آپ کے لیے ایک اکاؤنٹ بنایا گیا ہے۔ {hours} گھنٹوں کے اندر یہ پتہ کھولیں اور پاس ورڈ منتخب کریں:\n\n{link}',
    },
    reset: {
      subject: '{tenant} کے لیے نیا پاس ورڈ',
      text: 'کسی نے، غالباً آپ نے، نیا پاس ورڈ مانگا ہے۔ اسے مقرر کرنے کے لیے {hours} گھنٹوں کے اندر یہ پتہ کھولیں:\n\n{link}\n\nاگر یہ آپ نہیں تھے تو کچھ نہ کریں: آپ کا پاس ورڈ وہی رہے گا۔',
    },
    'password-changed': {
      subject: '{tenant} کا آپ کا پاس ورڈ بدل دیا گیا',
      text: 'آپ کا پاس ورڈ بدل دیا گیا ہے اور باقی لاگ ان ختم کر دیے گئے ہیں۔ اگر یہ آپ نہیں تھے تو فوراً اپنے منتظم کو بتائیں۔',
    },
    'recovery-used': {
      subject: '{tenant} میں بحالی کا کوڈ استعمال ہوا',
      text: 'لاگ ان کے لیے آپ کا ایک بحالی کوڈ استعمال ہوا؛ {left} باقی ہیں۔ اگر یہ آپ نہیں تھے تو فوراً اپنا پاس ورڈ بدلیں اور اپنے منتظم کو بتائیں۔',
    },
    emergency: {
      subject: '{tenant} میں ایک ریکارڈ ہنگامی طور پر کھولا گیا',
      text: '{who} نے {record} کا ریکارڈ ہنگامی حالت میں {until} تک کے لیے کھولا ہے۔ بتائی گئی وجہ ریکارڈ کی ایک Communication میں درج ہے۔ براہ کرم دیکھیں کہ یہ درست تھا یا نہیں۔',
    },
  },
} as const;
